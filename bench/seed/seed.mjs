// seed.mjs: fills the empty, migrated database in DATABASE_URL with a large customer's data, by the files in sql/. A tool for
// development and measurements; the SQL of the program itself is in crates/directory alone.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const { Client } = createRequire(`${here}/../../end2end/package.json`)("pg");

// Each can be set by an argument, such as --people=20000. Those without a number follow from the number of people.
const SIZES = {
  organizations: 1_000,
  people: 1_000_000,
  collaborators: 100_000,
  keys: 1_000_000,
  audit: 10_000_000,
  resources: undefined,
  invitations: undefined,
  sessions: undefined,
};
const CHUNK = 50_000;
// Of "correct-horse-battery", as in the demo data.
const PASSWORD = "$argon2id$v=19$m=19456,t=2,p=1$psA/X3Vk7Z2Z1sAW0UwGJw$maz6lAo7m4Dqg32ULAV+o5aFeeFohqcnxLJ8uoyqZoY";

class Unfit extends Error {}

function sizesOf(args) {
  const sizes = { ...SIZES };
  for (const arg of args) {
    const [, name, value] = /^--([a-z]+)=(\d+)$/.exec(arg) ?? [];
    if (!(name in sizes)) throw new Unfit(`unknown: ${arg}. Sizes are --${Object.keys(SIZES).join("=N, --")}=N`);
    sizes[name] = Number(value);
  }
  sizes.resources ??= Math.ceil(sizes.people / 5);
  sizes.invitations ??= Math.ceil(sizes.people / 20);
  sizes.sessions ??= Math.ceil(sizes.people / 5);
  if (Object.values(sizes).some((size) => size < 1)) throw new Unfit("each size is at least 1");
  if (sizes.people < sizes.organizations * 5) throw new Unfit("there must be five people for each organization");
  if (sizes.people < sizes.collaborators * 2) throw new Unfit("there must be twice as many people as collaborators");
  return sizes;
}

async function begin(client, sizes) {
  const { rows } = await client.query("SELECT EXISTS (SELECT FROM users) AS any");
  if (rows[0].any) throw new Unfit("there are people in this database already: this goes into an empty one only");
  await client.query(readFileSync(`${here}/sql/00-begin.sql`, "utf8"));
  const columns = [...Object.keys(sizes), "password_hash"];
  await client.query(`INSERT INTO seed.scale (${columns}) VALUES (${columns.map((_, at) => `$${at + 1}`)})`, [
    ...Object.values(sizes),
    PASSWORD,
  ]);
  for (const [kind, text] of Object.entries(JSON.parse(readFileSync(`${here}/words.json`, "utf8")))) {
    // "Zoë=zoe" is written "zoe" in an address, "Anna" is "anna".
    const words = text.trim().split(/\s+/);
    const shown = words.map((word) => word.split("=")[0]);
    const plain = words.map((word) => (word.split("=")[1] ?? word).toLowerCase());
    await client.query(
      "INSERT INTO seed.words SELECT $1, n, shown, plain FROM unnest($2::text[], $3::text[]) WITH ORDINALITY w (shown, plain, n)",
      [kind, shown, plain],
    );
  }
}

// A file says in its first line whether it runs once, or for each of a size: then its $1 and $2 are the first and the last of a
// chunk. A chunk is one transaction.
async function run(client, name, sizes) {
  const sql = readFileSync(`${here}/sql/${name}`, "utf8");
  const [, each] = /^-- (?:once|each: (\w+))\n/.exec(sql);
  const most = each === undefined ? 1 : sizes[each];
  const start = Date.now();
  const elapsed = () => `${((Date.now() - start) / 1000).toFixed(1)} s`;
  for (let from = 1; from <= most; from += CHUNK) {
    const to = Math.min(most, from + CHUNK - 1);
    await client.query(sql.replaceAll("$1", String(from)).replaceAll("$2", String(to)));
    if (to < most && to % (CHUNK * 10) === 0) console.log(`  ${name}: ${to} of ${most}, ${elapsed()}`);
  }
  console.log(`${name}: ${elapsed()}`);
}

async function main() {
  const sizes = sizesOf(process.argv.slice(2));
  const client = new Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  try {
    const start = Date.now();
    // What is lost in a crash is made anew.
    await client.query("SET synchronous_commit = off; SET work_mem = '64MB'");
    await begin(client, sizes);
    const files = readdirSync(`${here}/sql`).filter((name) => name.endsWith(".sql") && name !== "00-begin.sql");
    for (const name of files.sort()) await run(client, name, sizes);
    await client.query("VACUUM (ANALYZE)");
    const { rows } = await client.query("SELECT pg_size_pretty(pg_database_size(current_database())) AS size");
    console.log(`Filled in ${Math.round((Date.now() - start) / 1000)} s: ${rows[0].size}.`);
    console.log("The large organization is northern-robotics, its large project foundation-models.");
  } finally {
    await client.end();
  }
}

main().catch((error) => {
  console.error(`seed: ${error instanceof Unfit ? error.message : error.stack}`);
  process.exitCode = 1;
});
