// Documents: each link to a file or heading of the repository leads somewhere, and each decision is in the index of decisions.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const INDEX = "docs/decisions/README.md";
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"], {
  encoding: "utf8",
})
  .split("\0")
  .filter((file) => file !== "" && existsSync(file));

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

if (wrong.length > 0) {
  console.error(wrong.join("\n"));
  process.exit(1);
}
