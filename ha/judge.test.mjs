// The judge, by histories of which is known what is wrong with them: node --test ha/
import assert from "node:assert/strict";
import { test } from "node:test";

import { isGood, judge, judgeQuestion, longestGap, missingChanges, possible } from "./judge.mjs";

const change = (value, start, end, outcome = "done", more = {}) => ({ value, start, end, outcome, ...more });
const person = (...changes) => ({ id: "p", initial: "none", changes });
const question = (subject, start, end, answer) => ({ subject, start, end, answer });
const kindOf = (...parts) => judgeQuestion(question(...parts))?.kind;

test("before, while and after a change", () => {
  const subject = person(change("member", 10, 20));
  assert.deepEqual([...possible(subject, 1, 5).values], ["none"]);
  assert.deepEqual([...possible(subject, 5, 15).values], ["none", "member"]);
  assert.deepEqual([...possible(subject, 19, 25).values], ["none", "member"]);
  assert.deepEqual([...possible(subject, 20, 25).values], ["member"]);
});

test("an ended access that is answered yes came back", () => {
  const subject = person(change("member", 10, 20), change("none", 30, 40));
  assert.equal(kindOf(subject, 41, 42, "member"), "back");
  assert.equal(kindOf(subject, 41, 42, "none"), undefined);
  // It began before the acknowledgement: either is right.
  assert.equal(kindOf(subject, 39, 42, "member"), undefined);
});

test("a no for a yes, a role too high and no answer at all are wrong", () => {
  const subject = person(change("member", 10, 20));
  assert.equal(kindOf(subject, 21, 22, "none"), "wrong");
  assert.equal(kindOf(subject, 21, 22, "admin"), "wrong");
  assert.equal(kindOf(subject, 21, 22, "signed_out"), "wrong");
});

test("a change whose answer was broken off may be done or not, also later", () => {
  const subject = person(change("member", 10, 20), change("none", 30, 40, "unknown"));
  for (const answer of ["member", "none"]) assert.equal(kindOf(subject, 100, 101, answer), undefined);
  assert.equal(kindOf(subject, 100, 101, "admin"), "wrong");
});

test("once it is acknowledged at last, it counts", () => {
  const subject = person(change("member", 10, 20), change("none", 30, 40, "unknown"), change("none", 50, 60));
  assert.equal(kindOf(subject, 61, 62, "member"), "back");
});

test("a refused change changes nothing", () => {
  const subject = person(change("member", 10, 20), change("none", 30, 40, "refused"));
  assert.equal(kindOf(subject, 41, 42, "none"), "wrong");
});

test("a lost change is missing by its state, and by its row in the audit", () => {
  const audited = { isAudited: true };
  const first = change("member", 10, 20, "done", { ...audited, requestId: "1" });
  const last = change("none", 30, 40, "done", { ...audited, requestId: "2" });
  const subject = person(first, last);
  const truth = (state, ...ids) => ({ states: new Map([["p", state]]), requests: new Set(ids) });
  assert.deepEqual(missingChanges([subject], truth("none", "1", "2")), []);
  assert.deepEqual(missingChanges([subject], truth("member", "1", "2")), [last]);
  assert.deepEqual(missingChanges([subject], truth("none", "2")), [first]);
  assert.deepEqual(missingChanges([subject], truth("member", "1")), [last]);
});

test("the verdict counts an access that came back once, and a refusal that can't be", () => {
  const subject = person(change("member", 1, 2), change("none", 3, 4));
  const twice = [question(subject, 5, 6, "member"), question(subject, 7, 8, "member")];
  const truth = { states: new Map([["p", "none"]]), requests: new Set() };
  const bad = judge({ subjects: [subject], questions: twice, truth });
  assert.equal(bad.back.length, 1);
  assert.equal(isGood(bad), false);
  assert.equal(isGood(judge({ subjects: [subject], questions: [question(subject, 5, 6, "none")], truth })), true);
  const refused = person(change("member", 1, 2, "refused", { isContradiction: true }));
  assert.equal(isGood(judge({ subjects: [refused], questions: [], truth })), false);
});

test("the longest gap is between two answers, or before the first, or after the last", () => {
  // The first began before the kill: its answer may have been made before it too.
  const answered = [
    { start: 90, end: 120 },
    { start: 150, end: 155 },
    { start: 130, end: 140 },
  ];
  assert.equal(longestGap(100, 160, answered), 40);
  assert.equal(longestGap(125, 160, answered), 15);
  assert.equal(longestGap(125, 200, answered), 45);
  assert.equal(longestGap(200, 210, answered), 10);
});
