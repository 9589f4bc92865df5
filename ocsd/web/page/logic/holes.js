// Holes in the recording: bands that are never narrower than a pixel, and their cause in words.
import { shortOf } from "./groups.js";
import { count, duration, moment } from "./words.js";

/** Bands [left, width] of the holes in the view; those that touch become one. */
export function bands(holes, toX, left, right) {
  const found = [];
  for (const hole of holes) {
    const begin = Math.max(left, toX(hole.since_at));
    const end = Math.min(right, Math.max(toX(hole.until_at), begin + 1));
    if (end <= left || begin >= right) continue;
    const last = found[found.length - 1];
    if (last && begin <= last[0] + last[1]) last[1] = Math.max(last[1], end - last[0]);
    else found.push([begin, end - begin]);
  }
  return found;
}

/** Holes that were known and those that are told now, each once, by time. */
export function joined(known, more) {
  const all = new Map([...known, ...more].map((hole) => [`${hole.since_at} ${hole.feed}`, hole]));
  return [...all.values()].sort((one, other) => one.since_at - other.since_at);
}

/** The holes at a time, or up to `within_s` beside it. */
export function holesAt(holes, at, within_s) {
  return holes.filter((hole) => hole.since_at - within_s <= at && at <= hole.until_at + within_s);
}

/** "fake-data1.temps: 13:02:11 to 13:05:40 (3 min 29 s): the router was away, 836 messages". */
export function holeText(hole, utc) {
  const length = duration(hole.until_at - hole.since_at);
  const span = `${moment(hole.since_at, utc)} to ${moment(hole.until_at, utc)}`;
  const feed = hole.feed === "*" ? "all feeds" : shortOf(hole.feed);
  const parts = [`${feed}: ${span} (${length}): ${hole.cause}`];
  if (hole.count) {
    let about = "";
    if (hole.estimated) about = "about ";
    parts.push(`${about}${count(hole.count)} messages`);
  }
  return parts.join(", ");
}
