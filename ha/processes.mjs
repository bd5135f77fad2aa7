// The processes of a run: started with a log each, found by their parents, and ended whatever happens.
import { spawn } from "node:child_process";
import { openSync, closeSync, readFileSync, readdirSync } from "node:fs";

/** Resolves after so many milliseconds. */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Asks again and again until the answer is true, and returns how long that took; throws after so many seconds. */
export async function until(what, seconds, isTrue) {
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    if (await isTrue()) return performance.now() - start;
    await pause(100);
  }
  throw new Error(`${what}: not within ${seconds} s`);
}

/** Whether there is a process of this id. */
export function lives(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Sends a signal to those of the processes that are still there. */
export function signal(pids, name) {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended by itself.
    }
  }
}

/** The processes that this one started, and those that they did, with the command lines they show. */
export function descendants(pid) {
  const parents = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // The second field is a name in brackets, which can hold anything.
      const [, parent] = readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      const siblings = parents.get(Number(parent)) ?? [];
      parents.set(Number(parent), [...siblings, { pid: Number(name), command }]);
    } catch {
      // It ended while we looked.
    }
  }
  const found = [];
  for (const waiting = [pid]; waiting.length > 0;) {
    const children = parents.get(waiting.pop()) ?? [];
    found.push(...children);
    waiting.push(...children.map((child) => child.pid));
  }
  return found;
}

/** Everything that was started here, by name. */
export class Processes {
  constructor(folder, account) {
    this.folder = folder;
    this.account = account;
    this.running = new Map();
    /** Set when everything is to end: nothing is started any more. */
    this.isEnding = false;
  }

  /** Starts a program whose output goes to a log of this name. It has no terminal, so Ctrl-C is ours alone. */
  start(name, program, args, { env = {}, account = this.account } = {}) {
    if (this.isEnding) throw new Error(`${name} isn't started any more`);
    const log = openSync(`${this.folder}/${name}.log`, "a");
    const child = spawn(program, args, {
      cwd: this.folder,
      detached: true,
      env: { PATH: process.env.PATH, HOME: this.folder, LC_ALL: "C", ...env },
      stdio: ["ignore", log, log],
      ...account,
    });
    closeSync(log);
    child.on("error", (error) => console.error(`${program} can't be started: ${error.message}`));
    child.on("exit", () => {
      if (this.running.get(name) === child) this.running.delete(name);
    });
    this.running.set(name, child);
    return child;
  }

  /** The id of the process of this name, if it runs. */
  pid(name) {
    return this.running.get(name)?.pid;
  }

  /** Ends it: kindly, and after so many seconds at once. */
  async stop(name, seconds = 15) {
    const pid = this.pid(name);
    if (pid === undefined) return;
    signal([pid], "SIGTERM");
    await until(`the end of ${name}`, seconds, () => !lives(pid)).catch(() => signal([pid], "SIGKILL"));
  }
}
