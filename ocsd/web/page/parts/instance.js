// One instance: its state, the last 24 h, operations, log and history.
import { get } from "../connect/api.js";
import { Rows, h, setAttribute, setText } from "../dom/build.js";
import { instancesOf, look } from "../logic/states.js";
import { bytes, duration, moment, percent } from "../logic/words.js";
import { changeButtons } from "./change.js";
import { Log } from "./log.js";
import { Operations } from "./operations.js";
import { entryKey, entryRow, newestFirst } from "./requests.js";
import { Strip } from "./strip.js";

const $ = (id) => document.getElementById(id);
const HISTORY_AGAIN_MS = 30000;

/** Keeps the section of the chosen instance: made when one is chosen, taken away when none is. */
export class InstanceSection {
  constructor(site, shown, padlock) {
    Object.assign(this, { site, shown, padlock });
    shown.on((part) => this.follow("utc" in part, "instance" in part));
    site.on("state", () => this.update());
    site.on("transition", ({ instance_id: id }) => id === this.name && this.soon());
    this.follow(false, false);
  }

  follow(redraw, scroll) {
    const { instance } = this.shown;
    if (instance === this.name && !redraw) return;
    const isNew = instance !== this.name;
    this.close();
    if (!instance) return;
    this.name = instance;
    this.openFor(instance);
    if (isNew && scroll) {
      $("instance").scrollIntoView({ block: "start", behavior: "smooth" });
      $("instance").focus({ preventScroll: true });
    }
  }

  close() {
    clearInterval(this.timer);
    clearTimeout(this.again);
    this.log?.close();
    this.operations?.close();
    this.log = this.operations = this.name = null;
    $("instance").hidden = true;
    $("instance").replaceChildren();
  }

  openFor(name) {
    const { site, shown, padlock } = this;
    this.shape = h("span.shape", { "aria-hidden": "true" });
    this.facts = h("span.quiet");
    this.reason = h("p.reason");
    this.buttons = changeButtons(padlock, () => name);
    this.strip = new Strip(shown);
    this.operations = new Operations(name, site, shown, padlock);
    this.log = new Log(name, shown);
    const entries = h("ol.log-list.short");
    this.said = h("p.quiet");
    this.history = new Rows(entries, entryKey, () => entryRow(shown));
    $("instance").replaceChildren(
      h("div.head", {}, h("h2", { id: "instance-title" }, this.shape, " ", name), this.facts,
        h("span.buttons", {}, this.buttons.elements),
        h("button", { type: "button", onclick: () => showData(name) }, "Its data"),
        h("button.close", { type: "button", onclick: () => shown.set({ instance: "" }) }, "Close")),
      this.reason,
      this.strip.element,
      h("div.cards", {},
        h("div.card", {}, h("h3", {}, "Operations"), this.operations.element),
        h("div.card", {}, this.log.element)),
      h("div.card", {}, h("h3", {}, "History"), entries, this.said),
    );
    $("instance").hidden = false;
    this.timer = setInterval(() => this.ask(), HISTORY_AGAIN_MS);
    this.update();
    this.ask();
  }

  soon() {
    clearTimeout(this.again);
    this.again = setTimeout(() => this.ask(), 400);
  }

  async ask() {
    const { name } = this;
    if (document.hidden || !name) return;
    const until = this.site.now();
    const since = until - 86400;
    try {
      const [strip, told] = await Promise.all([
        get(`instances/${encodeURIComponent(name)}/strip`, { since, until }),
        get("history", { instance: name, limit: 40 }),
      ]);
      if (this.name !== name) return;
      this.strip.update(strip.spans, since, until);
      this.history.update(newestFirst(told.entries));
      setText(this.said, told.entries.length ? "" : "Nothing is on record.");
    } catch (error) {
      if (this.name === name) setText(this.said, error.message);
    }
  }

  update() {
    if (!this.name || !this.site.state || document.hidden) return;
    const row = instancesOf(this.site.state).find(({ instance_id: id }) => id === this.name);
    if (!row) {
      setText(this.reason, `No host of the site has an instance ${this.name} now.`);
      return;
    }
    const { shape, tone } = look(row);
    setText(this.shape, shape);
    setAttribute($("instance"), "data-tone", row.answers ? tone : "unknown");
    setText(this.facts, factsOf(row, this.shown.utc));
    setText(this.reason, row.reason || "");
    this.buttons.update(row);
  }
}

/** Search the fields of an instance. */
function showData(name) {
  $("search").value = `${name}.`;
  $("search").dispatchEvent(new Event("input"));
  $("data").scrollIntoView({ block: "start" });
  $("search").focus({ preventScroll: true });
}

function factsOf(row, utc) {
  const facts = [row.agent_class, `on ${row.host}`, row.state, row.health];
  if (!row.answers) facts.unshift(`as told at ${moment(row.told_at, utc)}`);
  if (row.since_at) facts.push(`since ${moment(row.since_at, utc)}`);
  if (row.pid) facts.push(`pid ${row.pid}`, `up ${duration(row.uptime_s)}`);
  if (row.rss_bytes) facts.push(bytes(row.rss_bytes), percent(row.cpu_percent));
  if (row.old_code) facts.push("runs old code: restart it");
  if (row.changed_code) facts.push(`${row.changed_code} has changed since it started`);
  return facts.filter(Boolean).join(" · ");
}
