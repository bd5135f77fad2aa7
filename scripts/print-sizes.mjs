// print-sizes.mjs [write]: what a browser downloads for a page, compressed as it is sent. Every page loads the same
// program. Its size is kept in app/program-size.json: a change that makes it larger, or much smaller, says so there.
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";

const folder = "target/site/pkg";
const kept = "app/program-size.json";
// Builds of the same source differ by less.
const slack = 0.005;

const size = (kind) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(`.${kind}.br`))
    .reduce((sum, name) => sum + statSync(`${folder}/${name}`).size, 0);
const shown = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

const [wasm, js, css] = ["wasm", "js", "css"].map(size);
console.log(
  `WebAssembly ${shown(wasm)} + JavaScript ${shown(js)} = ${shown(wasm + js)} (aim: under 300 kB); CSS ${shown(css)}; all brotli`,
);
if (process.argv[2] === "write") {
  writeFileSync(kept, `${JSON.stringify({ wasm, js, css }, null, 2)}\n`);
} else {
  const before = JSON.parse(readFileSync(kept, "utf8"));
  for (const [kind, now] of Object.entries({ wasm, js, css })) {
    if (Math.abs(now / before[kind] - 1) > slack) {
      console.error(`${kind}: ${now} bytes, and ${before[kind]} in ${kept}. If that is meant, run \`make sizes\`.`);
      process.exitCode = 1;
    }
  }
}
