// The settings of a run, from the environment: scripts/ha.sh says where the programs are, whoever runs it says the rest.

/** Reads the settings, or throws an error that says which one is wrong. */
export function readSettings(environment) {
  const number = (name, fallback) => {
    const value = Number(environment[name] ?? fallback);
    if (!Number.isFinite(value) || value < 0) throw new Error(`${name} is a number, not ${environment[name]}`);
    return value;
  };
  const choice = (name, choices) => {
    const value = environment[name] ?? choices[0];
    if (!choices.includes(value)) throw new Error(`${name} is one of ${choices.join(", ")}, not ${value}`);
    return value;
  };
  const isAsync = choice("HA_ASYNC", ["0", "1"]) === "1";
  return {
    kills: number("HA_KILLS", 10),
    isAsync,
    isStrict: choice("HA_STRICT", ["0", "1"]) === "1",
    /** How Roster finds the writer: it knows both hosts, or it asks a proxy that does. */
    way: choice("HA_DATABASE", ["hosts", "haproxy"]),
    /** For how many seconds before a kill the leader sends nothing to the standby. */
    hold: number("HA_HOLD", isAsync ? 2 : 1),
    /** Killed with -9, or stopped and let go on when another leads: as a machine that hangs, or whose network is gone. */
    end: choice("HA_END", ["kill", "freeze"]),
    /** For how many seconds it stays away once another leads. */
    away: number("HA_AWAY", 2),
    ports: portsFrom(number("HA_PORT", 4300)),
    keepsFolder: choice("HA_KEEP", ["0", "1"]) === "1",
    roster: required(environment, "HA_ROSTER"),
    postgresBin: required(environment, "HA_POSTGRES_BIN"),
    patroni: required(environment, "HA_PATRONI"),
    etcd: required(environment, "HA_ETCD"),
    haproxy: required(environment, "HA_HAPROXY"),
    locale: environment.HA_LOCALE ?? "C",
    /** As root, the account of everything but Roster, which gives root up by itself. */
    account: accountOf(environment.HA_ACCOUNT),
  };
}

function portsFrom(base) {
  return {
    etcd: base + 1,
    etcdPeers: base + 2,
    postgres: { a: base + 11, b: base + 12 },
    rest: { a: base + 21, b: base + 22 },
    writer: base + 30,
    web: base + 40,
    roster: { one: base + 41, two: base + 42 },
  };
}

function accountOf(text) {
  if (!text) return undefined;
  const [uid, gid] = text.split(":").map(Number);
  return { uid, gid };
}

function required(environment, name) {
  const value = environment[name];
  if (!value) throw new Error(`${name} is not set: run this by scripts/ha.sh`);
  return value;
}
