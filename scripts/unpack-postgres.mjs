// unpack-postgres.mjs FROM TO: copies the PostgreSQL of an npm package and makes the symbolic links its libraries need.
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const [from, to] = process.argv.slice(2);
const fresh = `${to}.new`;

rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh, { recursive: true });
for (const folder of ["bin", "lib", "share"]) {
  cpSync(join(from, folder), join(fresh, folder), { recursive: true });
}

const links = join(from, "pg-symlinks.json");
for (const { source, target } of existsSync(links) ? JSON.parse(readFileSync(links, "utf8")) : []) {
  const [file, link] = [source, target].map((path) => join(fresh, relative("native", path)));
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(relative(dirname(link), file), link);
}

// Whole or not at all: an interrupted copy must not be found by the next run.
rmSync(to, { recursive: true, force: true });
renameSync(fresh, to);
