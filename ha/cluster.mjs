// PostgreSQL on two nodes under Patroni, with etcd to agree in and HAProxy before it all.
import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

import { ask, json } from "./http.mjs";
import { descendants, lives, pause, signal, until } from "./processes.mjs";

const { Client } = createRequire(new URL("../end2end/package.json", import.meta.url))("pg");

/** The nodes, by name. */
export const NODES = ["a", "b"];
const other = (node) => NODES.find((name) => name !== node);

export class Cluster {
  constructor(settings, processes, password) {
    this.settings = settings;
    this.processes = processes;
    this.folder = processes.folder;
    this.password = password;
  }

  /** Starts everything and makes Roster's database. */
  async start() {
    const { ports, etcd } = this.settings;
    const peers = `http://127.0.0.1:${ports.etcdPeers}`;
    const clients = `http://127.0.0.1:${ports.etcd}`;
    this.processes.start("etcd", etcd, [
      ...["--name", "one", "--data-dir", `${this.folder}/etcd`, "--initial-cluster", `one=${peers}`],
      ...["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers],
      ...["--listen-client-urls", clients, "--advertise-client-urls", clients],
    ]);
    await until("etcd", 20, async () => (await ask(ports.etcd, { path: "/health" })).status === 200);
    this.startNode("a");
    await until("a first leader", 60, async () => (await this.leader()) === "a");
    this.startNode("b");
    await this.makeDatabase();
    await this.untilWhole(90);
    this.processes.start("haproxy", this.settings.haproxy, ["-db", "-f", this.fill("haproxy.cfg", "haproxy.cfg", {})]);
    // Until its first checks have ended, it takes either node for one that may be written to.
    await until("HAProxy before PostgreSQL", 30, async () => {
      for (let nth = 0; nth < 4; nth++) if (!(await this.leadsToWriter())) return false;
      return true;
    });
  }

  /** Starts Patroni on a node, which starts PostgreSQL there as whatever the node has to be. */
  startNode(node) {
    const { settings, folder } = this;
    if (this.processes.pid(node) !== undefined) return;
    mkdirSync(`${folder}/${node}`, { recursive: true, mode: 0o700 });
    if (settings.account) chownSync(`${folder}/${node}`, settings.account.uid, settings.account.gid);
    const file = this.fill("patroni.yml", `${node}.yml`, { NODE: node, ...this.portsOf(node) });
    this.processes.start(node, settings.patroni, ["-m", "patroni", file]);
  }

  portsOf(node) {
    const { ports } = this.settings;
    return { POSTGRES_PORT: ports.postgres[node], REST_PORT: ports.rest[node] };
  }

  /** Writes a template with its values into the folder of the run, and returns its path. */
  fill(template, name, more) {
    const { settings, folder, password } = this;
    const { ports } = settings;
    const values = {
      ...{ FOLDER: folder, PASSWORD: password, POSTGRES_BIN: settings.postgresBin, LOCALE: settings.locale },
      ...{ SYNCHRONOUS: !settings.isAsync, STRICT: !settings.isAsync && settings.isStrict },
      ...{ MOST_LAG: settings.isAsync ? 2 ** 30 : 2 ** 20, ETCD_PORT: ports.etcd },
      ...{ WEB_PORT: ports.web, WRITER_PORT: ports.writer },
      ...{ ROSTER_ONE_PORT: ports.roster.one, ROSTER_TWO_PORT: ports.roster.two },
      ...{ A_POSTGRES_PORT: ports.postgres.a, A_REST_PORT: ports.rest.a },
      ...{ B_POSTGRES_PORT: ports.postgres.b, B_REST_PORT: ports.rest.b },
      ...more,
    };
    const text = readFileSync(new URL(template, import.meta.url), "utf8").replace(/^ *#.*\n/gm, "");
    const path = `${folder}/${name}`;
    writeFileSync(
      path,
      text.replace(/\$\{(\w+)\}/g, (_, key) => String(values[key])),
      { mode: 0o600 },
    );
    if (settings.account) chownSync(path, settings.account.uid, settings.account.gid);
    return path;
  }

  /** What the nodes are, as Patroni says: `{ name, role, state, timeline, lag }` of each. */
  async members() {
    for (const node of NODES) {
      const answer = await ask(this.settings.ports.rest[node], { path: "/cluster", seconds: 3 });
      if (answer.status === 200) return json(answer).members ?? [];
    }
    return [];
  }

  /** The node that says of itself that it leads. */
  async leader() {
    for (const node of NODES) {
      const answer = await ask(this.settings.ports.rest[node], { path: "/primary", seconds: 3 });
      if (answer.status === 200) return node;
    }
    return undefined;
  }

  /** Waits until both nodes run, one leads, and the other follows: synchronously, if it is to. */
  async untilWhole(seconds) {
    const follows = this.settings.isAsync ? "replica" : "sync_standby";
    return until("a leader and its standby", seconds, async () => {
      const members = await this.members();
      const leader = members.find((member) => member.role === "leader" && member.state === "running");
      const standby = members.find((member) => member.role === follows && member.state === "streaming");
      return leader !== undefined && standby !== undefined && leader.timeline === standby.timeline;
    });
  }

  /** For so many seconds the leader sends nothing to its standby. */
  async hold(seconds) {
    const node = await this.leader();
    const senders = descendants(this.postmaster(node))
      .filter(({ command }) => command.includes("walsender"))
      .map(({ pid }) => pid);
    if (senders.length === 0) throw new Error(`${node} has nobody who sends to the standby`);
    signal(senders, "SIGSTOP");
    await pause(seconds * 1000);
  }

  /** Patroni and PostgreSQL of a node, with each of PostgreSQL's processes. */
  pids(node) {
    const postmaster = this.postmaster(node);
    return [this.processes.pid(node), postmaster, ...descendants(postmaster).map(({ pid }) => pid)];
  }

  /** Kills everything of a node with -9, or stops all of it where it is. Returns when, and what brings the node back. */
  end(node) {
    const pids = this.pids(node);
    const at = performance.now();
    if (this.settings.end === "freeze") {
      signal(pids, "SIGSTOP");
      return { at, bringBack: () => signal(pids, "SIGCONT") };
    }
    signal(pids, "SIGKILL");
    return { at, bringBack: () => this.startNode(node) };
  }

  /** Waits until the other node leads, and returns when that was seen. */
  async untilReplaced(node, seconds) {
    await until(`another leader than ${node}`, seconds, async () => (await this.leader()) === other(node));
    return performance.now();
  }

  postmaster(node) {
    return Number(readFileSync(`${this.folder}/${node}/data/postmaster.pid`, "utf8").split("\n")[0]);
  }

  /** The role and the database of Roster, which isn't a superuser. */
  async makeDatabase() {
    const client = await this.connect("a", "postgres", "postgres");
    await client.query(`CREATE ROLE roster LOGIN PASSWORD '${this.password}'`);
    await client.query("CREATE DATABASE roster OWNER roster");
    await client.end();
  }

  /** A connection to a node's database. */
  connect(node, user, database) {
    return this.connectTo(this.settings.ports.postgres[node], user, database);
  }

  async connectTo(port, user = "roster", database = "roster") {
    const client = new Client({ host: "127.0.0.1", port, user, database, password: this.password });
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  /** Whether a connection through HAProxy leads to a server that takes changes. */
  async leadsToWriter() {
    const client = await this.connectTo(this.settings.ports.writer).catch(() => undefined);
    const found = await client?.query("SELECT pg_is_in_recovery() AS is_standby");
    await client?.end();
    return found?.rows[0].is_standby === false;
  }

  /** What Roster is told: where its database is. */
  url() {
    const { ports, way } = this.settings;
    const who = `postgres://roster:${this.password}@`;
    if (way === "haproxy") return `${who}127.0.0.1:${ports.writer}/roster`;
    const hosts = NODES.map((node) => `127.0.0.1:${ports.postgres[node]}`).join(",");
    return `${who}${hosts}/roster?target_session_attrs=read-write`;
  }

  /** Ends everything, the standby first, so that nobody is promoted meanwhile. */
  async stop() {
    const leader = await this.leader().catch(() => undefined);
    for (const node of [...NODES].sort((name) => (name === leader ? 1 : -1))) {
      await this.processes.stop(node, 30);
      try {
        const postmaster = this.postmaster(node);
        if (lives(postmaster)) signal([postmaster, ...descendants(postmaster).map(({ pid }) => pid)], "SIGKILL");
      } catch {
        // It left no file of its process behind: it has ended.
      }
    }
    for (const name of ["haproxy", "etcd"]) await this.processes.stop(name);
  }
}
