// How a state looks: a shape, a word and a tone, never a colour alone.

const SHAPES = {
  up: ["●", "ok"], starting: ["◐", "busy"], stopping: ["◑", "busy"], down: ["○", "off"],
  backoff: ["↻", "warning"], failed: ["✕", "bad"], external: ["◆", "ok"],
};
const HEALTH = { degraded: ["▲", "warning"], unstable: ["▲", "warning"], hung: ["✕", "bad"] };

/** Shape and tone of an instance: its health if it runs and is not well, else its state. */
export function look(instance) {
  const [shape, tone] = HEALTH[instance.health] || SHAPES[instance.state] || ["?", "warning"];
  if (instance.state === "down" && instance.target === "up") return { shape, tone: "bad" };
  return { shape, tone };
}

/** Shape of a host's level: ok, warning or bad. */
export function levelShape(level) {
  return { ok: "●", warning: "▲", bad: "✕" }[level] || "?";
}

export const GONE = new Set(["failed", "degraded"]);

/** Operations counted by what an operator asks: how many run, were stopped, have failed. */
export function operationCounts(operations) {
  if (!operations) return null;
  const counts = { running: 0, stopped: 0, failed: 0 };
  for (const { state } of operations) {
    if (GONE.has(state)) counts.failed += 1;
    else if (state === "running" || state === "starting") counts.running += 1;
    else if (state === "stopped" || state === "ended") counts.stopped += 1;
  }
  return counts;
}

/** "2 run · 1 failed". */
export function operationText(operations) {
  const counts = operationCounts(operations);
  if (!counts) return "–";
  const parts = [];
  if (counts.failed) parts.push(`${counts.failed} failed`);
  if (counts.running) parts.push(`${counts.running} run`);
  if (counts.stopped) parts.push(`${counts.stopped} stopped`);
  return parts.join(" · ") || "none";
}

const RANKS = { bad: 0, warning: 1, busy: 2, ok: 3, off: 4 };

/** Instances with the worst first; equals keep the order of their start. */
export function worstFirst(rows) {
  return rows
    .map((row, place) => ({ row, place, rank: RANKS[look(row).tone] }))
    .sort((one, other) => one.rank - other.rank || one.place - other.place)
    .map(({ row }) => row);
}

/**
 * All instances of all hosts that have told about themselves, each with the name of its host,
 * whether that answers now, and when it told this.
 */
export function instancesOf(state) {
  return state.hosts.flatMap(({ host, answers, answered_at, status }) =>
    ((status && status.instances) || []).map((each) => ({ ...each, host, answers, told_at: answered_at })));
}

/** What is wrong anywhere: each with its host. */
export function wrongOf(state) {
  return state.hosts.flatMap(({ host, wrong }) => (wrong || []).map((each) => ({ ...each, host })));
}

/** Instances that nothing is said about in what is wrong. */
export function wellOf(state) {
  const named = new Set(wrongOf(state).map((each) => `${each.host}/${each.instance_id}`));
  return instancesOf(state).filter((each) =>
    each.answers && !named.has(`${each.host}/${each.instance_id}`) && look(each).tone !== "off");
}

/** The worst level of all hosts. */
export function siteLevel(state) {
  const order = ["ok", "warning", "bad"];
  return order[Math.max(0, ...state.hosts.map(({ level }) => order.indexOf(level)))];
}

/** Whether the row matches all words of a filter; without words every row does. */
export function matches(instance, filter) {
  const text = [instance.instance_id, instance.agent_class, instance.state, instance.health,
    instance.reason, instance.host].join(" ").toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
