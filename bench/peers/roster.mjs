// roster.mjs: Roster's answer to a gateway: its token, the caller's session or key, the target and the access, read each time.
import { createRequire } from "node:module";

import { askers as makeAskers } from "../seed/askers.mjs";
import { freePort, start } from "./processes.mjs";

const NOTHING = "endpoint/00000000-0000-7000-8000-000000000000";
const { Client } = createRequire(import.meta.url)("pg");

export async function roster(askers) {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const client = new Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  const { headers, cookies, keys } = await makeAskers(client, askers);
  await client.end();
  const asked = (caller) => ({ path: "/gateway/authorize", headers: { ...headers, ...caller } });
  const env = { ROSTER_ADDR: `127.0.0.1:${port}`, ROSTER_URL: base, RUST_LOG: "error" };
  return {
    base,
    stop: await start(process.env.ROSTER_BINARY, ["serve"], env, `${base}/readyz`),
    measured: [
      { name: "Roster, a person's session", requests: cookies.map((cookie) => asked({ Cookie: cookie })) },
      { name: "Roster, an API key", requests: keys.map((key) => asked({ Authorization: key })) },
    ],
    allowed: ({ status }) => status === 200,
    denied: [asked({ Cookie: cookies[0], "X-Roster-Resource": NOTHING })],
  };
}
