// Documents: each link to a file or heading of the repository leads somewhere; each decision is in the index of decisions;
// the map and the README of each room name the folders and files there are.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const INDEX = "docs/decisions/README.md";
const MAP = "docs/architecture.md";
const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
  encoding: "utf8",
})
  .split("\0")
  .filter((file) => file !== "" && existsSync(file));
const files = tracked.filter((file) => file.endsWith(".md"));

const withoutCode = (text) =>
  text.replace(/^```.*?^```/gms, "").replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, " "));
const linksOf = (text) => [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to);

// The name that GitHub gives a heading.
const anchorsOf = (text) =>
  text
    .replace(/^```.*?^```/gms, "")
    .split("\n")
    .filter((line) => /^#+ /.test(line))
    .map((line) =>
      line
        .replace(/^#+ /, "")
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replace(/ /g, "-"),
    );

const wrong = [];
for (const file of files) {
  for (const link of linksOf(readFileSync(file, "utf8"))) {
    if (/^[a-z]+:/.test(link)) continue;
    const [path, anchor] = link.split("#");
    const target = path === "" ? file : normalize(join(dirname(file), path));
    if (!existsSync(target)) {
      wrong.push(`${file}: nothing is at ${link}`);
    } else if (
      anchor !== undefined &&
      target.endsWith(".md") &&
      !anchorsOf(readFileSync(target, "utf8")).includes(anchor)
    ) {
      wrong.push(`${file}: no heading for ${link}`);
    }
  }
}

const indexed = new Set(linksOf(readFileSync(INDEX, "utf8")));
for (const file of files) {
  const record = /^docs\/decisions\/(\d{4}-.*\.md)$/.exec(file)?.[1];
  if (record !== undefined && !indexed.has(record)) wrong.push(`${INDEX}: ${record} is missing`);
}

// The first cell of each row of a table.
const firstCells = (text) => [...text.matchAll(/^\|([^|]*)\|/gm)].map(([, cell]) => cell);
const namesIn = (cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);

// A room is a folder that the map links to, by a link in the first cell of a row to the README there.
const rooms = new Set();
for (const cell of firstCells(readFileSync(MAP, "utf8"))) {
  const [name] = namesIn(cell);
  const [link] = linksOf(cell);
  if (link !== undefined) rooms.add(normalize(join(dirname(MAP), dirname(link))));
  if (name?.includes("/") && link !== `../${name}/README.md`) wrong.push(`${MAP}: ${name} has no link to its README`);
}
for (const room of rooms) {
  if (!files.includes(`${room}/README.md`)) wrong.push(`${MAP}: ${room} has no README.md`);
}
for (const file of files) {
  const isOfRoom = file.endsWith("/README.md") && !file.startsWith("docs/");
  if (isOfRoom && !rooms.has(dirname(file))) wrong.push(`${MAP}: no row for ${dirname(file)}`);
}

// Under "Files", the README of a room names every file and folder of source in it, and nothing else. In a crate they are
// those of src.
for (const room of rooms) {
  const readme = `${room}/README.md`;
  if (!files.includes(readme)) continue;
  const source = tracked.some((file) => file.startsWith(`${room}/src/`)) ? `${room}/src` : room;
  const section =
    readFileSync(readme, "utf8")
      .split(/^## Files$/m)[1]
      ?.split(/^## /m)[0] ?? "";
  const named = firstCells(section).flatMap(namesIn);
  const isThere = (name) => existsSync(`${source}/${name}`) && name.endsWith("/") === !/\.[a-z]+$/.test(name);
  wrong.push(...named.filter((name) => !isThere(name)).map((name) => `${readme}: there is no ${name}`));
  const entries = new Set(
    tracked
      .filter((file) => file.startsWith(`${source}/`) && /\.(rs|ts|css)$/.test(file))
      .map((file) => file.slice(source.length + 1).replace(/\/.*/, "/")),
  );
  for (const entry of entries) {
    if (!named.some((name) => name === entry || (entry.endsWith("/") && name.startsWith(entry)))) {
      wrong.push(`${readme}: ${entry} is missing under "Files"`);
    }
  }
}

if (wrong.length > 0) {
  console.error(wrong.join("\n"));
  process.exit(1);
}
