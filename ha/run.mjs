// Kills the leader of a replicated PostgreSQL again and again, while people, programs and gateways use two Rosters on it, and
// counts what was lost, what came back and what was answered wrongly. Started by scripts/ha.sh.
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";

import { Cluster } from "./cluster.mjs";
import { Gateways } from "./gateways.mjs";
import { ask } from "./http.mjs";
import { isGood, judge, longestGap } from "./judge.mjs";
import { pause, Processes, until } from "./processes.mjs";
import { faults, killTable, verdictTable } from "./report.mjs";
import { gatewayToken, seed } from "./seed.mjs";
import { readSettings } from "./settings.mjs";
import { readTruth } from "./truth.mjs";
import { changeKeys, changePeople, Desk, History, registerResources } from "./writers.mjs";

const ADMINS = 4;
const PEOPLE = 240;
/** How many ask at each Roster. */
const ASKERS = 3;
/** How long to wait for a new leader, or for a node to come back: a machine can be busy. */
const PATIENCE = 300;

const say = (text) => console.log(text);

/** Starts the two Rosters, one after the other, since the first brings the schema up to date. */
async function startRosters({ settings, processes, cluster }) {
  for (const [name, port] of Object.entries(settings.ports.roster)) {
    const env = {
      DATABASE_URL: cluster.url(),
      ROSTER_ADDR: `127.0.0.1:${port}`,
      ROSTER_URL: `http://127.0.0.1:${settings.ports.web}`,
      ROSTER_DATABASE_CONNECTIONS: "33",
      ROSTER_MAX_API_KEYS: "5000",
      ROSTER_MAX_RESOURCES: "100000",
    };
    processes.start(`roster-${name}`, settings.roster, ["serve"], { env, account: undefined });
    await until(`Roster ${name}`, 60, async () => {
      if (processes.pid(`roster-${name}`) === undefined) throw new Error(`Roster ${name} ended: see its log`);
      return (await ask(port, { path: "/readyz" })).status === 200;
    });
  }
  await until("HAProxy", 20, async () => (await ask(settings.ports.web, { path: "/readyz" })).status === 200);
}

/** Lets everybody begin. Returns what they use, and what ends when they do. */
function startEverybody({ settings, seeded, token }) {
  const history = new History();
  const desk = new Desk({ port: settings.ports.web, seeded, history, wait: 60 });
  const gateways = new Gateways({ ports: settings.ports.roster, token, project: seeded.project, history, wait: 20 });
  const share = PEOPLE / (ADMINS - 1);
  const writers = seeded.admins
    .slice(1)
    .map((admin, nth) => changePeople(desk, admin, seeded.people.slice(nth * share, (nth + 1) * share)));
  writers.push(changeKeys(desk, seeded.admins[0]), registerResources(desk, seeded.admins[0]));
  const askers = Object.keys(settings.ports.roster).flatMap((server) =>
    Array.from({ length: ASKERS }, () => gateways.askAll(server)),
  );
  return { history, desk, gateways, writing: Promise.all(writers), asking: Promise.all(askers) };
}

/** Kills the leader once, and brings it back when another leads and has taken changes for a while. */
async function killOnce({ settings, cluster, everybody }, nth) {
  await cluster.untilWhole(PATIENCE);
  await pause(2000 + Math.random() * 3000);
  const node = await cluster.leader();
  // With asynchronous replication always, else every other time: what was not sent yet is what is lost, if anything is.
  if (settings.hold > 0 && (settings.isAsync || nth % 2 === 1)) await cluster.hold(settings.hold);
  const { at, bringBack } = cluster.end(node);
  const promoted = await cluster.untilReplaced(node, PATIENCE);
  const { history, gateways } = everybody;
  const isChanged = () => history.acknowledged.some(({ start }) => start > at);
  // A strict leader takes no changes before the other is back.
  if (settings.isAsync || !settings.isStrict) await until("a change that is acknowledged", PATIENCE, isChanged);
  await pause(settings.away * 1000);
  bringBack();
  await cluster.untilWhole(PATIENCE);
  await until("a change that is acknowledged", PATIENCE, isChanged);
  const whole = performance.now();
  const gap = (answered) => longestGap(at, whole, answered);
  const asked = (server) => gateways.questions.filter((question) => question.server === server);
  return {
    node,
    promoted: promoted - at,
    noWriter: gap(history.acknowledged),
    noAnswerOne: gap(asked("one")),
    noAnswerTwo: gap(asked("two")),
    whole: whole - at,
  };
}

/** Ends the writers and the askers, asks everything once more, and reads the database. */
async function finish({ cluster, seeded, everybody }) {
  const { desk, gateways, history } = everybody;
  desk.isOpen = false;
  await everybody.writing;
  gateways.isOpen = false;
  await everybody.asking;
  await cluster.untilWhole(PATIENCE);
  await gateways.sweep();
  const database = await cluster.connect(await cluster.leader());
  const truth = await readTruth(database, seeded.project);
  await database.end();
  return judge({ subjects: history.subjects, questions: gateways.questions, truth });
}

async function run({ settings, processes, cluster }) {
  const { isAsync, isStrict, way, kills } = settings;
  const how = isAsync ? "asynchronous" : `synchronous${isStrict ? ", strict" : ""}`;
  say(`Replication is ${how}; Roster finds the writer by ${way === "hosts" ? "naming both hosts" : "HAProxy"}.`);
  await cluster.start();
  await startRosters({ settings, processes, cluster });
  const database = await cluster.connect("a");
  const seeded = await seed(database, { admins: ADMINS, people: PEOPLE });
  await database.end();
  const everybody = startEverybody({ settings, seeded, token: gatewayToken(settings.roster, cluster.url()) });
  const done = [];
  for (let nth = 0; nth < kills; nth++) {
    const kill = await killOnce({ settings, cluster, everybody }, nth);
    done.push(kill);
    say(
      `  ${nth + 1} of ${kills}: ${kill.node} ${settings.end === "kill" ? "killed" : "frozen"}, no writer for ${(kill.noWriter / 1000).toFixed(1)} s`,
    );
  }
  const verdict = await finish({ cluster, seeded, everybody });
  say(`\n${killTable(done)}\n\n${verdictTable(verdict, everybody.gateways.unanswered)}`);
  if (!isGood(verdict)) say(`\nThe first of them:\n${faults(verdict)}`);
  return isGood(verdict);
}

async function main() {
  const settings = readSettings(process.env);
  // In /tmp, since a socket's path must be shorter than 107 bytes.
  const folder = mkdtempSync("/tmp/roster-ha.");
  // Roster, which isn't of the account, goes through it and reads nothing.
  chmodSync(folder, 0o711);
  if (settings.account) chownSync(folder, settings.account.uid, settings.account.gid);
  const processes = new Processes(folder, settings.account);
  const cluster = new Cluster(settings, processes, randomBytes(12).toString("hex"));
  const cleanUp = async (keep) => {
    processes.isEnding = true;
    for (const name of ["roster-one", "roster-two"]) await processes.stop(name);
    await cluster.stop();
    if (keep) say(`The logs are in ${folder}.`);
    else rmSync(folder, { recursive: true, force: true });
  };
  for (const name of ["SIGINT", "SIGTERM"]) {
    process.once(name, () => void cleanUp(settings.keepsFolder).then(() => process.exit(130)));
  }
  let good = false;
  try {
    good = await run({ settings, processes, cluster });
  } catch (error) {
    // Somebody has interrupted it: what fails then fails because everything ends.
    if (processes.isEnding) return;
    console.error(error);
  }
  await cleanUp(settings.keepsFolder || !good);
  say(good ? "\nNothing was lost, nothing came back, every answer was right." : "\nFAILED");
  process.exit(good ? 0 : 1);
}

await main();
