// run.mjs: asks Roster, Cerbos and better-auth for decisions, one after the other, each alone on the machine but for PostgreSQL
// and the load generator. Prints a table.
import { betterAuth } from "./better-auth.mjs";
import { cerbos } from "./cerbos.mjs";
import { CONNECTIONS, ask, flatOut } from "./load.mjs";
import { roster } from "./roster.mjs";

const ASKERS = 1_000;
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 10);
const CONTENDERS = [roster, cerbos, betterAuth(false), betterAuth(true)];

// Each must say yes to what is measured and no to something else, or its figure means nothing.
async function check({ base, measured, allowed, denied }) {
  for (const { name, requests } of measured) {
    const answer = await ask(base, requests[0]);
    if (!allowed(answer)) throw new Error(`${name} says no: ${answer.status} ${answer.text}`);
  }
  for (const request of denied) {
    if (allowed(await ask(base, request))) throw new Error(`${measured[0].name} says yes where it must say no`);
  }
}

async function measure(contender, results) {
  const running = await contender(ASKERS);
  try {
    await check(running);
    for (const { name, requests } of running.measured) {
      // What the first requests pay alone (connections, plans, compiling) is no part of it.
      await flatOut(running.base, requests, Math.min(3, SECONDS));
      results.set(name, [...(results.get(name) ?? []), await flatOut(running.base, requests, SECONDS)]);
    }
  } finally {
    await running.stop();
  }
}

const results = new Map();
for (let round = 0; round < ROUNDS; round += 1) {
  for (const contender of CONTENDERS) await measure(contender, results);
}
console.log(
  `\nDecisions, flat out, ${CONNECTIONS} connections, ${ASKERS} callers in turn, ${ROUNDS} rounds of ${SECONDS} s\n`,
);
const cells = (name, ...rest) => console.log(name.padEnd(50), ...rest.map((cell) => cell.padStart(12)));
cells("", "median/s", "best/s", "p50 of best", "p99 of best");
for (const [name, rounds] of results) {
  const sorted = rounds.toSorted((a, b) => b.perSecond - a.perSecond);
  const median = sorted[Math.floor(sorted.length / 2)];
  const [best] = sorted;
  cells(
    name,
    median.perSecond.toFixed(0),
    best.perSecond.toFixed(0),
    `${best.p50.toFixed(1)} ms`,
    `${best.p99.toFixed(1)} ms`,
  );
}
