// Those who change things while the database fails over: collaborators and their roles, API keys, resources. Each of them
// changes subjects of its own, one change after the other, and writes down when what was acknowledged (see judge.mjs).
import { createHash } from "node:crypto";

import { ask, json } from "./http.mjs";
import { pause } from "./processes.mjs";
import { PASSWORD } from "./seed.mjs";

/** How long a change is waited for: longer than the server takes for any. */
const PATIENCE = 40;
/** What a retry is told when the attempt before it was done after all, by what it should have made true. */
const DONE_BEFORE = { member: "already_collaborator", none: "not_a_collaborator", there: "resource_name_taken" };

/** The history of a run: every subject, and every change in the order of its acknowledgement. */
export class History {
  constructor() {
    this.subjects = [];
    this.acknowledged = [];
  }

  add(subject) {
    this.subjects.push(subject);
    return subject;
  }

  /** Those that changed last. */
  recent() {
    return this.acknowledged
      .slice(-40)
      .map(({ subject }) => subject)
      .filter(({ id }) => id !== undefined);
  }
}

/** What the writers of a run share: where to send changes, and whether to go on. */
export class Desk {
  constructor({ port, seeded, history, wait }) {
    Object.assign(this, { port, seeded, history, wait });
    this.isOpen = true;
    this.serial = 0;
  }

  form(name, fields, admin) {
    const headers = { cookie: admin.cookie, "content-type": "application/x-www-form-urlencoded" };
    return this.post(`/api/${name}`, headers, new URLSearchParams({ project: this.seeded.project.slug, ...fields }));
  }

  rest(path, key, body) {
    const headers = { "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) };
    return this.post(`/v1/${path}`, headers, JSON.stringify(body));
  }

  post(path, headers, body) {
    const host = `127.0.0.1:${this.port}`;
    const sent = { method: "POST", path, headers: { host, ...headers }, body: String(body), seconds: PATIENCE };
    return ask(this.port, sent);
  }

  /** Makes a change of a subject once, and notes what became of it. */
  async once(subject, value, send, isRetry = false) {
    const change = { value, start: performance.now(), end: Infinity, outcome: "unknown" };
    // Before it is sent: a question that is answered meanwhile is judged with it in view.
    subject.changes.push(change);
    const answer = await send();
    const { start, end, status } = answer;
    const code = status === undefined ? answer.broken : (json(answer).refused ?? json(answer).code ?? "");
    Object.assign(change, { start, end, status, code, requestId: answer.headers?.["x-request-id"] });
    const { revoked } = json(answer);
    if (revoked === false) {
      // The key that was made isn't known here.
      Object.assign(change, { outcome: "refused", isContradiction: true });
    } else if (status === 200 || status === 201) {
      change.outcome = "done";
      // A key that was revoked already is no news to the audit.
      change.isAudited = !(revoked && isRetry);
    } else if (isRetry && code === DONE_BEFORE[value]) {
      change.outcome = "done";
    } else if (status !== undefined && status < 500 && code !== "already_sent") {
      change.outcome = "refused";
      // Too many attempts are no answer about the state; any other refusal can't be, by what this writer knows.
      change.isContradiction = status !== 429;
    }
    if (change.outcome === "done") this.history.acknowledged.push({ subject, start, end });
    return { change, answer };
  }

  /** Makes a change. One whose outcome is not known is sent until it is acknowledged, and its subject left alone then. */
  async make(subject, value, send) {
    let { change, answer } = await this.once(subject, value, send);
    if (change.outcome === "refused" && change.isContradiction) subject.isRetired = true;
    while (change.outcome === "unknown") {
      subject.isRetired = true;
      await pause(200);
      ({ change, answer } = await this.once(subject, value, send, true));
      // A limit on attempts says nothing about the change before it.
      if (change.outcome === "refused" && !change.isContradiction) {
        await pause(2000);
        change = { outcome: "unknown" };
      }
    }
    return { change, answer };
  }
}

/** Adds, promotes, demotes and removes these people, as this Admin. */
export async function changePeople(desk, admin, people) {
  const subjects = people.map((person) =>
    desk.history.add({ id: person.id, kind: "person", initial: "none", changes: [], cookie: person.cookie, person }),
  );
  const state = new Map(subjects.map((subject) => [subject, "none"]));
  const next = { none: ["member"], member: ["none", "admin"], admin: ["none", "member"] };
  while (desk.isOpen) {
    const free = subjects.filter((subject) => !subject.isRetired);
    if (free.length === 0) return;
    const subject = free[Math.floor(Math.random() * free.length)];
    const choices = next[state.get(subject)];
    const value = choices[Math.floor(Math.random() * choices.length)];
    const send = sender(desk, admin, subject.person, state.get(subject), value);
    const { change } = await desk.make(subject, value, send);
    if (change.outcome === "done") state.set(subject, value);
    await pause(desk.wait);
  }
}

function sender(desk, admin, person, from, value) {
  if (from === "none") return () => desk.form("add_collaborator", { email: person.email }, admin);
  if (value === "none") return () => desk.form("remove_collaborator", { user: person.id }, admin);
  return () => desk.form("change_collaborator_role", { user: person.id, role: value }, admin);
}

/** Makes a key by the console's form; `undefined` without an answer that has it. */
async function makeKey(desk, admin) {
  const fields = { name: `key ${desk.serial++}`, current_password: PASSWORD };
  const subject = { kind: "key", initial: "none", changes: [] };
  const { change, answer } = await desk.once(subject, "active", () => desk.form("create_api_key", fields, admin));
  const secret = json(answer).Ok?.key_made?.secret;
  // Without its secret nobody can ask about it; and a key that nobody has needs no judge.
  if (change.outcome !== "done" || secret === undefined) return undefined;
  return Object.assign(subject, { id: createHash("sha256").update(secret).digest("hex"), secret });
}

/** Makes keys, and ends each of them after a while by what anybody may do who has it. */
export async function changeKeys(desk, admin) {
  const live = [];
  while (desk.isOpen) {
    const subject = live.length < 12 ? await makeKey(desk, admin) : undefined;
    if (subject !== undefined) live.push(desk.history.add(subject));
    await pause(4 * desk.wait);
    if (live.length < 6) continue;
    const [ended] = live.splice(Math.floor(Math.random() * live.length), 1);
    await desk.make(ended, "revoked", () => desk.rest("keys/revoke", undefined, { key: ended.secret }));
    await pause(4 * desk.wait);
  }
}

/** Registers resources with an API key. */
export async function registerResources(desk, admin) {
  let key;
  while (desk.isOpen && key === undefined) key = await makeKey(desk, admin);
  const path = `projects/${desk.seeded.project.id}/resources`;
  while (desk.isOpen) {
    const name = `file-${desk.serial++}`;
    const subject = desk.history.add({ id: name, kind: "resource", initial: "none", changes: [] });
    const body = { kind: "file", name, details: { purpose: "batch", size_bytes: 1 } };
    await desk.make(subject, "there", () => desk.rest(path, key.secret, body));
    await pause(2 * desk.wait);
  }
}
