// apply-migrations.mjs: brings DATABASE_URL to the newest schema with the files alone, since the program that does this otherwise
// (`roster migrate`) cannot be compiled while .sqlx is out of date.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const folder = "crates/directory/migrations";
const { Client } = createRequire(`${process.cwd()}/end2end/package.json`)("pg");
const client = new Client({ connectionString: process.env.DATABASE_URL });

const files = readdirSync(folder)
  .filter((name) => name.endsWith(".sql") && !name.endsWith(".down.sql"))
  .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));

await client.connect();
for (const name of files) {
  try {
    await client.query(readFileSync(`${folder}/${name}`, "utf8"));
  } catch (error) {
    console.error(`${folder}/${name}: ${error.message}`);
    process.exitCode = 1;
    break;
  }
}
await client.end();
