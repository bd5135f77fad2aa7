// load.mjs: one load generator for everything that is measured: Debian's wrk, one thread, the same number of connections.
// Requests are made beforehand and sent in turn.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export const CONNECTIONS = Number(process.env.CONNECTIONS ?? 16);

const quote = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

const formatted = ({ method = "GET", path, headers = {}, body }) => {
  const fields = Object.entries(headers).map(([name, value]) => `[${quote(name)}]=${quote(value)}`);
  return `wrk.format(${quote(method)},${quote(path)},{${fields}}${body === undefined ? "" : `,${quote(body)}`})`;
};

const script = (requests) => `
local made = {}
function init()
${requests.map((request) => `  made[#made + 1] = ${formatted(request)}`).join("\n")}
end
local turn = 0
function request()
  turn = turn % #made + 1
  return made[turn]
end
function done(summary, latency)
  local e = summary.errors
  print(string.format('{"requests":%d,"micros":%d,"p50":%d,"p99":%d,"failed":%d}', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.status + e.connect + e.read + e.write + e.timeout))
end
`;

// As many requests as are answered in so many seconds. Answers that aren't 2xx count as failed, and end the measurement.
export async function flatOut(base, requests, seconds, connections = CONNECTIONS) {
  const folder = mkdtempSync(join(tmpdir(), "roster-load-"));
  try {
    writeFileSync(join(folder, "requests.lua"), script(requests));
    const args = [
      "-t1",
      `-c${connections}`,
      `-d${seconds}s`,
      "--timeout=30s",
      "-s",
      join(folder, "requests.lua"),
      base,
    ];
    const { stdout } = await promisify(execFile)("wrk", args);
    const told = JSON.parse(stdout.split("\n").find((line) => line.startsWith("{")));
    if (told.failed > 0) throw new Error(`${told.failed} requests to ${base} failed`);
    return {
      requests: told.requests,
      perSecond: (told.requests * 1e6) / told.micros,
      p50: told.p50 / 1000,
      p99: told.p99 / 1000,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// One request, for looking at the answer before anything is measured.
export async function ask(base, { method = "GET", path, headers, body }) {
  const answer = await fetch(base + path, { method, headers, body });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}
