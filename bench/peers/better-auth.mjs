// better-auth.mjs: better-auth's answer to "may who has this session do this in this organization", with its database.
import { createHmac } from "node:crypto";
import { fileURLToPath } from "node:url";

import { ask } from "./load.mjs";
import { freePort, start } from "./processes.mjs";

const question = (base, cookie, organizationId, permissions) => ({
  method: "POST",
  path: "/api/auth/organization/has-permission",
  headers: { "Content-Type": "application/json", Origin: base, Cookie: cookie },
  body: JSON.stringify({ organizationId, permissions }),
});

// Its cookie is the token and an HMAC of it, with which any server of it could answer.
const signed = (name, token, secret) =>
  `${name}=${encodeURIComponent(`${token}.${createHmac("sha256", secret).update(token).digest("base64")}`)}`;

// With the cache on, the session's data comes as a second cookie, and is sent back from then on.
async function withData(base, cookie) {
  const { headers } = await ask(base, { path: "/api/auth/get-session", headers: { Cookie: cookie } });
  const data = headers.getSetCookie().find((set) => set.includes("session_data="));
  if (data === undefined) throw new Error("better-auth sent no cookie with the session's data");
  return `${cookie}; ${data.split(";")[0]}`;
}

export const betterAuth = (cache) => async (askers) => {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const env = {
    PORT: String(port),
    BASE_URL: base,
    CACHE: cache ? "on" : "off",
    ASKERS: String(askers),
    NODE_ENV: "production",
  };
  const server = fileURLToPath(new URL("better-auth-server.mjs", import.meta.url));
  const stop = await start(process.execPath, [server], env, `${base}/seeded`);
  const seeded = JSON.parse((await ask(base, { path: "/seeded" })).text);
  let cookies = seeded.tokens.map((token) => signed(seeded.cookie, token, seeded.secret));
  if (cache) cookies = await Promise.all(cookies.map((cookie) => withData(base, cookie)));
  const requests = cookies.map((cookie) => question(base, cookie, seeded.organization, { endpoint: ["use"] }));
  const name = cache ? "better-auth, session from a cookie for 5 minutes" : "better-auth, session and membership read";
  return {
    base,
    stop,
    measured: [{ name, requests }],
    allowed: ({ status, text }) => status === 200 && JSON.parse(text).success === true,
    denied: [question(base, cookies[1], seeded.organization, { cluster: ["create"] })],
  };
};
