// Alarms in words: which comes first, what is said of each, and which field a plot shows.
import { duration, number, shortMoment } from "./words.js";

const STATES = ["raised", "pending", "unseen", "clear"];
const SEVERITIES = ["critical", "warning", "info"];

/** Whether nobody is told of an alarm at the time `now`. */
export const isSilenced = ({ silenced_until: until }, now) => typeof until === "number" && until > now;

/** Whether an alarm is raised, and nobody has said that they know. */
export function waits(alarm, now) {
  return alarm.state === "raised" && !alarm.acknowledged_by && !isSilenced(alarm, now);
}

const place = (word, words) => (words.includes(word) ? words.indexOf(word) : words.length);

/** Alarms that need somebody first, then the other raised ones, the worst of each first. */
export function alarmsFirst(alarms, now) {
  const rank = (alarm) => [place(alarm.state, STATES), waits(alarm, now) ? 0 : 1, place(alarm.severity, SEVERITIES)];
  return alarms
    .map((alarm) => ({ alarm, rank: rank(alarm) }))
    .sort((one, other) => {
      const differs = one.rank.findIndex((each, i) => each !== other.rank[i]);
      if (differs < 0) return one.alarm.name < other.alarm.name ? -1 : 1;
      return one.rank[differs] - other.rank[differs];
    })
    .map(({ alarm }) => alarm);
}

/** Shape and tone of an alarm. */
export function alarmLook(alarm, now) {
  if (alarm.state === "clear") return { shape: "●", tone: "ok" };
  if (waits(alarm, now) && alarm.severity !== "info") return { shape: "✕", tone: "bad" };
  if (alarm.state === "unseen") return { shape: "?", tone: "warning" };
  return { shape: "▲", tone: "warning" };
}

/** "critical · 5.31 · since 13:45:12, 2 min · acknowledged by vera". */
export function alarmFacts(alarm, now, utc) {
  const facts = [alarm.severity, alarm.state];
  if (typeof alarm.value === "number") facts.push(number(alarm.value));
  if (alarm.since) facts.push(`since ${shortMoment(alarm.since, now, utc)}, ${duration(now - alarm.since)}`);
  if (alarm.acknowledged_by) facts.push(`acknowledged by ${alarm.acknowledged_by}`);
  if (isSilenced(alarm, now)) {
    const by = alarm.silenced_by ? ` by ${alarm.silenced_by}` : "";
    facts.push(`silenced until ${shortMoment(alarm.silenced_until, now, utc)}${by}`);
  }
  if (alarm.state === "unseen") facts.push("nothing came yet that it could judge");
  return facts.join(" · ");
}

/** The line above the page about what is raised and nobody knows of; empty if there is nothing. */
export function bannerText(alarms, now) {
  const waiting = alarmsFirst(alarms, now).filter((alarm) => waits(alarm, now) && alarm.severity !== "info");
  if (!waiting.length) return "";
  const names = waiting.slice(0, 3).map(({ name }) => name);
  if (waiting.length > names.length) names.push(`${waiting.length - names.length} more`);
  return `${waiting.length} ${waiting.length === 1 ? "alarm" : "alarms"} raised: ${names.join(", ")}`;
}

/** The field that a condition is about, "thermo1.temps.stage"; empty if it is about none. */
export function fieldOf(condition) {
  const found = /(?:^|\s)([\w-]+\.[\w-]+\.[\w-]+)(?=\s|$|[<>=!])/.exec(condition ?? "");
  return found ? found[1] : "";
}

/** Whether a recorded field, with the address of its feed, is that field of a condition. */
export function isField(recorded, field) {
  return `.${recorded.replace(".feeds.", ".")}`.endsWith(`.${field}`);
}

/** The time that a plot of an alarm shows: from a while before it until it is over, or now. */
export function spanAround({ since, at }, now) {
  const begin = since ?? at ?? now;
  if (now - begin < 1800) return { live: true, span_s: 3600 };
  return { live: false, since: begin - 1800, until: Math.min(now, begin + 1800) };
}

/** Whether somebody should know that a message has not arrived: what was given up, for a day. */
export function isOpen({ state, at }, now) {
  return state !== "delivered" && !(state === "undeliverable" && now - at > 86400);
}

/** "slack: undeliverable, 9 tries: HTTP 404". */
export function deliveryText({ receiver, title, state, attempts, reason }) {
  const why = reason ? `: ${reason}` : "";
  return `${receiver}, ${title}: ${state}, ${attempts} tries${why}`;
}
