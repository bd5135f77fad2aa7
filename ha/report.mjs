// The tables at the end of a run.

const seconds = (milliseconds) => (Number.isFinite(milliseconds) ? (milliseconds / 1000).toFixed(1) : "never");

/** The smallest, the middle and the largest of some numbers. */
export function spread(values) {
  const sorted = [...values].sort((one, another) => one - another);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
  return { min: sorted[0], median, max: sorted.at(-1) };
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  return rows
    .map((row) => row.map((cell, column) => String(cell)[column === 0 ? "padEnd" : "padStart"](widths[column])))
    .map((row) => `  ${row.join("  ")}`)
    .join("\n");
}

/** One line for each kill, and how far apart they were. */
export function killTable(kills) {
  const columns = ["promoted", "noWriter", "noAnswerOne", "noAnswerTwo", "whole"];
  const head = ["kill", "of", "new leader", "no writer", "no decision: one", "two", "whole again"];
  const lines = kills.map((kill, nth) => [nth + 1, kill.node, ...columns.map((column) => seconds(kill[column]))]);
  const spreads = columns.map((column) => spread(kills.map((kill) => kill[column])));
  const summary = ["min", "median", "max"].map((which) => [which, "", ...spreads.map((of) => seconds(of[which]))]);
  return table([head, ...lines, ...summary]);
}

/** What was counted. */
export function verdictTable(verdict, unanswered) {
  return table([
    ["changes acknowledged", verdict.acknowledged],
    ["of them, access ended", verdict.ended],
    ["changes whose outcome was not told", verdict.unknown],
    ["changes refused", verdict.refused],
    ["questions answered", verdict.questions],
    ["questions not answered", unanswered],
    ["acknowledged changes missing", verdict.missing.length],
    ["ended accesses that came back", verdict.back.length],
    ["wrong answers", verdict.wrong.length + verdict.contradictions.length],
  ]);
}

/** The first of what is wrong, for whoever looks into it. */
export function faults(verdict, most = 5) {
  const lines = [];
  for (const change of verdict.missing.slice(0, most)) {
    lines.push(`missing: ${change.value}, acknowledged at ${seconds(change.end)} s, request ${change.requestId}`);
  }
  for (const { subject, base, question } of [...verdict.back, ...verdict.wrong].slice(0, 2 * most)) {
    const expected = base === undefined ? subject.initial : `${base.value} since ${seconds(base.end)} s`;
    lines.push(
      `${subject.kind} ${subject.id.slice(0, 13)}: ${question.answer} by ${question.server} at ${seconds(question.start)} s, ` +
        `but ${expected}`,
    );
  }
  for (const change of verdict.contradictions.slice(0, most)) {
    lines.push(`refused: ${change.value} at ${seconds(change.start)} s, with ${change.status} ${change.code}`);
  }
  return lines.map((line) => `  ${line}`).join("\n");
}
