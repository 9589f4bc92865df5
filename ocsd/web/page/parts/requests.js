// Who did what: requests, by whom, from where.
import { get } from "../connect/api.js";
import { Rows, h, setText } from "../dom/build.js";
import { moment } from "../logic/words.js";

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 30000;

export class Requests {
  constructor(site, shown) {
    Object.assign(this, { site, shown });
    this.rows = new Rows($("requests"), entryKey, () => entryRow(shown));
    site.on("transition", () => this.soon());
    setInterval(() => this.ask(), AGAIN_MS);
    this.ask();
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), 400);
  }

  async ask() {
    if (document.hidden) return;
    try {
      const { entries } = await get("history", { kind: "request", limit: 50 });
      this.rows.update(newestFirst(entries));
      setText($("requests-said"), entries.length ? "" : "Nobody has asked for anything yet.");
    } catch (error) {
      setText($("requests-said"), error.message);
    }
  }
}

export const newestFirst = (entries) => [...entries].sort((one, other) => other.at - one.at);

export const entryKey = (entry) => JSON.stringify([entry.at, entry.name, entry.event, entry.reason]);

/** One entry of the history: when, which, what, why, by whom. */
export function entryRow(shown) {
  const time = h("time");
  const name = h("strong");
  const event = h("span.event");
  const text = h("span");
  return {
    element: h("li", {}, time, name, event, text),
    update(entry) {
      setText(time, moment(entry.at, shown.utc));
      setText(name, entry.name ?? "");
      setText(event, change(entry));
      setText(text, [entry.reason, entry.by && `by ${entry.by}`].filter(Boolean).join(" · "));
    },
  };
}

function change({ event, before, after }) {
  if (before && after && before !== after) return `${event}: ${before} → ${after}`;
  return event ?? "";
}
