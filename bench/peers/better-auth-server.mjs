// better-auth-server.mjs: a server of better-auth with its organization plugin, as its documentation has it. CACHE=on keeps a
// session's data in a signed cookie for five minutes: for so long it isn't looked up, and a session that was ended goes on.
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { organization } from "better-auth/plugins";
import { createAccessControl } from "better-auth/plugins/access";
import pg from "pg";

const access = createAccessControl({ endpoint: ["view", "use", "create", "delete"], cluster: ["create"] });
const member = access.newRole({ endpoint: ["view", "use", "create", "delete"] });
const admin = access.newRole({ endpoint: ["view", "use", "create", "delete"], cluster: ["create"] });

const database = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: 16,
  options: "-c search_path=better_auth",
});
const auth = betterAuth({
  baseURL: process.env.BASE_URL,
  secret: "measured, not used: 0123456789abcdef",
  database,
  emailAndPassword: { enabled: true },
  session: { cookieCache: { enabled: process.env.CACHE === "on", maxAge: 300 } },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: "error" },
  plugins: [organization({ ac: access, roles: { owner: admin, admin, member } })],
});

// An organization and people in it with a session each; answers the cookies and the organization's id.
async function seed(count) {
  await database.query("CREATE SCHEMA IF NOT EXISTS better_auth");
  await (await getMigrations(auth.options)).runMigrations();
  const { internalAdapter, adapter, authCookies, secret } = await auth.$context;
  const made = await adapter.create({
    model: "organization",
    data: { name: "Large", slug: `large-${Date.now()}`, createdAt: new Date() },
  });
  const join = async (nth) => {
    const email = `p${nth}.${Date.now()}@large.test`;
    const user = await internalAdapter.createUser({ name: `P ${nth}`, email, emailVerified: true });
    const role = nth % 50 === 0 ? "admin" : "member";
    const data = { organizationId: made.id, userId: user.id, role, createdAt: new Date() };
    await adapter.create({ model: "member", data });
    return (await internalAdapter.createSession(user.id)).token;
  };
  const tokens = [];
  while (tokens.length < count) {
    const some = Array.from({ length: Math.min(16, count - tokens.length) }, (_, more) => join(tokens.length + more));
    tokens.push(...(await Promise.all(some)));
  }
  await database.query("ANALYZE");
  return { organization: made.id, cookie: authCookies.sessionToken.name, secret, tokens };
}

const seeded = JSON.stringify(await seed(Number(process.env.ASKERS)));
const handler = toNodeHandler(auth);
createServer((request, response) => {
  if (request.url === "/seeded") {
    response.end(seeded);
  } else {
    handler(request, response);
  }
}).listen(Number(process.env.PORT), "127.0.0.1");
