// wait-ready.mjs URL PID SECONDS: waits until URL answers 2xx; gives up when the process has ended or the time is over.
const [url, pid, seconds] = process.argv.slice(2);
const end = Date.now() + Number(seconds) * 1000;

const answers = () =>
  fetch(url).then(
    (answer) => answer.ok,
    () => false,
  );
const lives = () => {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
};

while (!(await answers())) {
  if (!lives() || Date.now() > end) process.exit(1);
  await new Promise((next) => setTimeout(next, 100));
}
