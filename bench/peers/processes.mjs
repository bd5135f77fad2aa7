// processes.mjs: starts what is measured, waits until it answers, and ends it.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export async function freePort() {
  const server = createServer();
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

// Starts a program, and waits up to two minutes until it answers; answers a function that ends it.
export async function start(command, args, env, ready) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (data) => (said = (said + data).slice(-4000)));
  const ended = new Promise((end) => child.once("exit", end));
  for (let attempt = 0; attempt < 1_200; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`${command} ended: ${said}`);
    const answer = await fetch(ready).catch(() => undefined);
    if (answer?.ok) {
      return async () => {
        child.kill();
        await ended;
      };
    }
    await sleep(100);
  }
  child.kill();
  throw new Error(`${command} doesn't answer at ${ready}: ${said}`);
}
