// cerbos.mjs: the Cerbos policy decision point. It has no database: who asks is sent along, and believed.
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { freePort, start } from "./processes.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const program = createRequire(import.meta.url).resolve("@cerbos/cerbos-linux-x64");

const question = (user, project) => ({
  method: "POST",
  path: "/api/check/resources",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({
    principal: {
      id: `user-${user}`,
      roles: ["user"],
      attr: { projects: { large: user % 50 === 0 ? "admin" : "member" } },
    },
    resources: [{ actions: ["use"], resource: { kind: "endpoint", id: "0190", attr: { project } } }],
  }),
});

export async function cerbos(askers) {
  const [port, grpc] = [await freePort(), await freePort()];
  const args = ["server", `--set=storage.disk.directory=${here}/policies`, "--set=storage.disk.watchForChanges=false"];
  args.push(`--set=server.httpListenAddr=127.0.0.1:${port}`, `--set=server.grpcListenAddr=127.0.0.1:${grpc}`);
  args.push("--set=telemetry.disabled=true", "--log-level=error");
  const base = `http://127.0.0.1:${port}`;
  const requests = Array.from({ length: askers }, (_, user) => question(user, "large"));
  return {
    base,
    stop: await start(program, args, {}, `${base}/_cerbos/health`),
    measured: [{ name: "Cerbos, facts sent along, no database", requests }],
    allowed: ({ text }) => text.includes("EFFECT_ALLOW"),
    denied: [question(1, "another")],
  };
}
