// What may be true, by what was acknowledged; and what, by that, was answered wrongly or is missing. No clock, no network.
//
// A subject is somebody or something whose state is asked for: a person's role in the project, an API key, a resource. One
// writer alone changes it, one change after the other. A change is `{ value, start, end, outcome, requestId }`, where the
// outcome is `done` (acknowledged at `end`), `unknown` (the answer was an error, or broken off: it may have been done or not)
// or `refused` (it was not done).
//
// A change whose outcome is unknown could still be done long after. So its writer sends nothing else about that subject but
// the same change again, until that is acknowledged.

/** How much each state opens. Of a resource nobody asks but the database, at the end. */
const REACH = { none: 0, revoked: 0, member: 1, active: 1, admin: 2, there: 1 };

/** The states that a question may be answered by, which began at `from` and was answered at `until`. */
export function possible(subject, from, until) {
  let values = new Set([subject.initial]);
  let base;
  for (const change of subject.changes) {
    if (change.start >= until || change.outcome === "refused") continue;
    if (change.outcome === "done" && change.end <= from) {
      values = new Set();
      base = change;
    }
    values.add(change.value);
  }
  return { values, base };
}

/** Judges an answered question: `undefined` if it is right, else `{ kind, subject, base, question }`. */
export function judgeQuestion(question) {
  const { subject, start, end, answer } = question;
  const { values, base } = possible(subject, start, end);
  if (values.has(answer)) return undefined;
  const most = Math.max(...[...values].map((value) => REACH[value]));
  // An access that is over opened something again; or else a role too high, a no for a yes, or an answer that isn't any.
  const kind = most === 0 && REACH[answer] > 0 ? "back" : "wrong";
  return { kind, subject, base, question };
}

/**
 * Compares what was acknowledged with what is in the database in the end. `states` has the state of each subject by its id,
 * `requests` the ids of the requests that the audit knows. Returns the acknowledged changes that are missing.
 */
export function missingChanges(subjects, { states, requests }) {
  const missing = new Set();
  for (const subject of subjects) {
    for (const change of subject.changes) {
      // One that was done already has no row of its own in the audit.
      if (change.outcome === "done" && change.isAudited && !requests.has(change.requestId)) missing.add(change);
    }
    const { values, base } = possible(subject, Infinity, Infinity);
    if (base !== undefined && !values.has(states.get(subject.id) ?? "none")) missing.add(base);
  }
  return [...missing];
}

/** The whole verdict on a run. */
export function judge({ subjects, questions, truth }) {
  const faults = questions.map(judgeQuestion).filter((fault) => fault !== undefined);
  const changes = subjects.flatMap((subject) => subject.changes);
  const count = (outcome) => changes.filter((change) => change.outcome === outcome).length;
  // An access that came back is one access, however many questions it opened.
  const back = new Map(
    faults.filter(({ kind }) => kind === "back").map((fault) => [fault.base ?? fault.subject, fault]),
  );
  const wrong = faults.filter(({ kind }) => kind === "wrong");
  // A refusal that can't be, by what was acknowledged, is a wrong answer as well.
  const contradictions = changes.filter((change) => change.isContradiction);
  return {
    acknowledged: count("done"),
    unknown: count("unknown"),
    refused: count("refused"),
    ended: changes.filter(({ outcome, value }) => outcome === "done" && REACH[value] === 0).length,
    questions: questions.length,
    missing: missingChanges(subjects, truth),
    back: [...back.values()],
    wrong,
    contradictions,
  };
}

/** Whether nothing was lost, nothing came back, and every answer was right. */
export function isGood({ missing, back, wrong, contradictions }) {
  return missing.length + back.length + wrong.length + contradictions.length === 0;
}

/** The longest time without an answer between `from` and `until`, in milliseconds; of what began after `from` the end counts. */
export function longestGap(from, until, answered) {
  const ends = answered.filter(({ start, end }) => start > from && end < until).map(({ end }) => end);
  const moments = [from, ...ends.sort((one, another) => one - another), until];
  return Math.max(...moments.slice(1).map((moment, nth) => moment - moments[nth]));
}
