// measure.mjs: asks the server in BASE_URL for everything there is in the filled database in DATABASE_URL, and prints how long
// it takes: p50 and p99 one request after another, and how many a second with 16 connections. ONLY=text: some of it. With
// SERVER_PID and POSTGRES_PID also what a request costs of both in processor time, which others on the machine change less.
import { Agent, request } from "node:http";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

import { CONNECTIONS, ask, flatOut } from "../peers/load.mjs";
import { processorTime } from "./processor.mjs";
import { changes, reads } from "./cases.mjs";

const { Client } = createRequire(`${new URL(".", import.meta.url).pathname}/../../end2end/package.json`)("pg");
const SECONDS = Number(process.env.SECONDS ?? 5);
const CHANGES = Number(process.env.CHANGES ?? 400);
const ONLY = process.env.ONLY ?? "";
const base = process.env.BASE_URL;

const row = (name, ...cells) => console.log(name.padEnd(52), ...cells.map((cell) => cell.padStart(11)));
const millis = (time) => `${time.toFixed(1)} ms`;

async function measureRead({ name, requests }) {
  const { status, text } = await ask(base, requests[0]);
  if (status !== 200) {
    row(name, String(status), text.slice(0, 60));
    return;
  }
  // What a first request pays alone (plans, caches) is no part of it; neither is the plan that is made for it alone.
  await flatOut(base, requests, 2);
  const calm = await flatOut(base, requests, SECONDS, 1);
  const before = processorTime();
  const most = await flatOut(base, requests, SECONDS);
  // With no answer in time there is nothing to divide by, and it shows.
  const costs = processorTime().map((time, at) =>
    most.requests ? ((time - before[at]) / most.requests).toFixed(2) : "-",
  );
  const times = calm.requests ? [millis(calm.p50), millis(calm.p99)] : ["-", "-"];
  row(name, ...times, most.perSecond.toFixed(0), ...costs, `${Math.round(text.length / 1000)} kB`);
}

function send(agent, { method, path, headers, body }) {
  const { hostname, port } = new URL(base);
  return new Promise((done, failed) => {
    const sent = request({ agent, hostname, port, method, path, headers }, (answer) => {
      let text = "";
      answer.on("data", (data) => (text += data));
      answer.on("end", () => done({ status: answer.statusCode, text }));
    });
    sent.on("error", failed);
    sent.end(body);
  });
}

// Changes can be made once each: so many workers take them in turn.
async function take(requests, workers) {
  const agent = new Agent({ keepAlive: true, maxSockets: workers });
  const times = [];
  const waiting = [...requests];
  const start = performance.now();
  const work = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const begun = performance.now();
      const { status, text } = await send(agent, next);
      if (status !== 200) throw new Error(`${next.path}: ${status} ${text.slice(0, 200)}`);
      times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  const seconds = (performance.now() - start) / 1000;
  agent.destroy();
  times.sort((a, b) => a - b);
  const percentile = (percent) => times[Math.min(times.length - 1, Math.floor((times.length * percent) / 100))];
  return { p50: percentile(50), p99: percentile(99), perSecond: times.length / seconds };
}

async function measureChanges(kinds) {
  const calm = [];
  for (const { requests } of kinds) calm.push(await take(requests.slice(0, CHANGES), 1));
  for (const [nth, { name, requests }] of kinds.entries()) {
    const before = processorTime();
    const most = await take(requests.slice(CHANGES), CONNECTIONS);
    const costs = processorTime().map((time, at) => ((time - before[at]) / CHANGES).toFixed(2));
    row(name, millis(calm[nth].p50), millis(calm[nth].p99), most.perSecond.toFixed(0), ...costs);
  }
}

// How often each large table was read from one end to the other, and how many rows that were.
async function scans(client) {
  // A connection tells what it did with some delay.
  await sleep(2_000);
  const { rows } = await client.query(
    "SELECT relname AS name, seq_scan AS scans, seq_tup_read AS rows FROM pg_stat_user_tables WHERE n_live_tup > 10000",
  );
  return new Map(rows.map(({ name, scans, rows }) => [name, { scans: Number(scans), rows: Number(rows) }]));
}

async function printScans(client, before) {
  const found = [];
  for (const [name, now] of await scans(client)) {
    const then = before.get(name) ?? now;
    if (now.scans > then.scans) found.push(`${name} (${now.scans - then.scans} times, ${now.rows - then.rows} rows)`);
  }
  console.log(`\nLarge tables that were scanned sequentially meanwhile: ${found.join(", ") || "none"}`);
}

async function main() {
  const client = new Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  try {
    const questions = (await reads(client)).filter(({ name }) => name.includes(ONLY));
    const kinds = "changes".includes(ONLY) ? await changes(client, CHANGES * 2) : [];
    const before = await scans(client);
    row("", "p50", "p99", "a second", "server ms", "database ms", "answer");
    for (const question of questions) await measureRead(question);
    await measureChanges(kinds);
    await printScans(client, before);
  } finally {
    await client.end();
  }
}

await main();
