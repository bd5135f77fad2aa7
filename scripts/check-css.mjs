// check-css.mjs FILE: parses a style sheet and all it imports. The build itself would take a file with an error as it is, in silence.
import { createRequire } from "node:module";

const file = process.argv[2];
const { bundle } = createRequire(`${process.cwd()}/end2end/package.json`)("lightningcss");

try {
  const { warnings } = bundle({ filename: file });
  for (const { message, loc } of warnings)
    console.error(`${loc.filename ?? file}:${loc.line}:${loc.column}: ${message}`);
  process.exitCode = warnings.length > 0 ? 1 : 0;
} catch (error) {
  console.error(`${error.fileName ?? file}:${error.loc?.line ?? 0}:${error.loc?.column ?? 0}: ${error.message}`);
  process.exitCode = 1;
}
