// print-sizes.mjs: what a browser downloads for a page, compressed as it is sent.
import { readdirSync, statSync } from "node:fs";

const folder = "target/site/pkg";
const size = (kind) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(`.${kind}.br`))
    .reduce((sum, name) => sum + statSync(`${folder}/${name}`).size, 0);
const shown = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

const [wasm, js, css] = ["wasm", "js", "css"].map(size);
console.log(
  `WebAssembly ${shown(wasm)} + JavaScript ${shown(js)} = ${shown(wasm + js)} (aim: under 300 kB); CSS ${shown(css)}; all brotli`,
);
