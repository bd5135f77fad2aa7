// Those who ask all the while whether somebody may: as a gateway does, at either Roster.
import { ask } from "./http.mjs";
import { pause } from "./processes.mjs";

/** What an answer says about a subject: its state, something that it can't be, or `undefined` for no answer. */
function stateOf(subject, { status, headers }) {
  if (status === undefined || status >= 500 || status === 429) return undefined;
  const reason = headers["x-roster-reason"];
  if (subject.kind === "person") {
    if (status === 200) return headers["x-roster-role"];
    return status === 403 && reason === "no_access" ? "none" : `${status} ${reason}`;
  }
  if (status === 200) return "active";
  return status === 401 && reason === "key_revoked" ? "revoked" : `${status} ${reason}`;
}

/** Everybody who asks, and what they were told. */
export class Gateways {
  constructor({ ports, token, project, history, wait }) {
    Object.assign(this, { ports, token, project, history, wait });
    this.questions = [];
    this.unanswered = 0;
    this.isOpen = true;
  }

  /** Asks one Roster about one subject. */
  async question(server, subject) {
    const shown =
      subject.kind === "person" ? { cookie: subject.cookie } : { authorization: `Bearer ${subject.secret}` };
    const headers = {
      "x-roster-gateway": this.token,
      "x-roster-action": "cluster:view",
      "x-roster-project": this.project.id,
      ...shown,
    };
    const answer = await ask(this.ports[server], { path: "/gateway/authorize", headers });
    const state = stateOf(subject, answer);
    if (state === undefined) this.unanswered += 1;
    else this.questions.push({ subject, server, start: answer.start, end: answer.end, answer: state });
    return state;
  }

  /** Asks one Roster without an end, half of the time about what has just changed. */
  async askAll(server) {
    while (this.isOpen) {
      const recent = this.history.recent();
      const all = Math.random() < 0.5 && recent.length > 0 ? recent : this.history.subjects;
      const subject = all[Math.floor(Math.random() * all.length)];
      if (subject !== undefined && subject.kind !== "resource") await this.question(server, subject);
      await pause(this.wait);
    }
  }

  /** Asks every Roster about every subject, until each is answered. */
  async sweep() {
    for (const server of Object.keys(this.ports)) {
      for (const subject of this.history.subjects.filter(({ kind }) => kind !== "resource")) {
        while ((await this.question(server, subject)) === undefined) await pause(500);
      }
    }
  }
}
