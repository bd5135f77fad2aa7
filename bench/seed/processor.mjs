// processor.mjs: the processor time that the server (SERVER_PID) and PostgreSQL (POSTGRES_PID, its first process) have used.
import { readFileSync, readdirSync } from "node:fs";

const TICK = 10; // milliseconds, on Linux

function stat(pid) {
  try {
    // The name in parentheses can contain spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return { parent: fields[1], time: (Number(fields[11]) + Number(fields[12])) * TICK };
  } catch {
    return undefined;
  }
}

// Of both, in milliseconds; 0 for one that isn't named.
export function processorTime() {
  const { SERVER_PID: server, POSTGRES_PID: postgres } = process.env;
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(stat)
    .filter((found) => postgres !== undefined && found?.parent === postgres);
  return [stat(server)?.time ?? 0, children.reduce((sum, { time }) => sum + time, 0)];
}
