// The search for fields, with their latest values in place; a tick puts one into the plots.
import { get } from "../connect/api.js";
import { Rows, h, setAttribute, setText, whenSeen } from "../dom/build.js";
import { feedOf, shortOf } from "../logic/groups.js";
import { duration, number } from "../logic/words.js";

const $ = (id) => document.getElementById(id);
const TYPING_MS = 250;
const VALUES_AGAIN_MS = 1000;
const FIELDS_AGAIN_MS = 20000;
const NONE_AGAIN_MS = 2000;
const MOST = 200;
const STALE_S = 30;
const FEW = 1000;
const MOST_AT_ONCE = 4;

export class Fields {
  constructor(site, shown) {
    Object.assign(this, { site, shown, fields: [], values: new Map() });
    this.rows = new Rows($("values"), ({ field }) => field, (each) => this.createRow(each));
    $("search").addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.search(), TYPING_MS);
    });
    shown.on(() => this.draw());
    this.seen = true;
    whenSeen($("data"), (isSeen) => { this.seen = isSeen; });
    setInterval(() => this.askValues(), VALUES_AGAIN_MS);
    setInterval(() => this.search(), FIELDS_AGAIN_MS);
    this.search();
  }

  async search() {
    if (document.hidden) return;
    const search = $("search").value.trim();
    try {
      const { fields, total, unread, why_none: why } = await get("fields", { search, limit: MOST });
      if (search !== $("search").value.trim()) return;
      Object.assign(this, { fields, found: total, searched: search, total: Math.max(total, this.total ?? 0) });
      setText($("fields-said"), why ?? saidOf(fields.length, total, search, unread));
      this.draw();
      if (!total) this.searchAgain();
    } catch (error) {
      setText($("fields-said"), error.message);
      this.searchAgain();
    }
  }

  /** Soon: a site that has just been started has its first fields within seconds. */
  searchAgain() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), NONE_AGAIN_MS);
  }

  /** Latest values, once a second while the section is on the screen; no connection is kept. */
  async askValues() {
    if (document.hidden || !this.seen || this.asking || !this.fields.length) return;
    this.asking = true;
    try {
      const answers = await Promise.all(this.queries().map((query) => get("values", query)));
      this.values = new Map(answers.flatMap(({ values }) => values).map((each) => [each.field, each]));
      this.draw();
    } catch {
      // The age of each value goes on, and the first line says that web is away.
    } finally {
      this.asking = false;
    }
  }

  /** All values if they are few, else those of what is found, else of the first instances. */
  queries() {
    if (this.total <= FEW) return [{}];
    if (this.found <= FEW) {
      const chosen = this.shown.fields.slice(0, MOST_AT_ONCE).map((field) => ({ pattern: field }));
      return [{ search: this.searched }, ...chosen];
    }
    const first = [...new Set(this.fields.map(({ instance_id: id }) => id))].slice(0, MOST_AT_ONCE);
    return first.map((pattern) => ({ pattern }));
  }

  /** Chosen fields stay in the list, whatever is searched. */
  draw() {
    const there = new Set(this.fields.map(({ field }) => field));
    const chosen = this.shown.fields.filter((field) => !there.has(field)).map((field) => ({ field }));
    this.rows.update([...chosen, ...this.fields]);
  }

  choose(field, wanted) {
    const others = this.shown.fields.filter((each) => each !== field);
    this.shown.set({ fields: wanted ? [...others, field] : others });
  }

  createRow({ field, label }) {
    const box = h("input", { type: "checkbox", onchange: () => this.choose(field, box.checked) });
    const name = field.slice(feedOf(field).length + 1);
    const place = feedOf(shortOf(field));
    const said = h("span.label", {}, label ?? "");
    const text = h("label", { title: field }, box, h("span.name", {}, name), said, h("span.quiet.place", {}, place));
    const value = h("span");
    const units = h("span.quiet");
    const age = h("td.n");
    const element = h("tr", {}, h("td", {}, text), h("td.n.latest", {}, value, " ", units), age);
    return {
      element,
      update: (row) => {
        const latest = this.values.get(field);
        const at = latest?.at ?? row.newest_at;
        box.checked = this.shown.fields.includes(field);
        setText(value, latest ? number(latest.value) : "–");
        setAttribute(value, "title", latest ? String(latest.value) : null);
        setText(units, latest?.units || row.units || "");
        setText(said, latest?.label || row.label || "");
        const age_s = at ? this.site.now() - at : null;
        setText(age, duration(age_s));
        setAttribute(element, "data-tone", age_s === null || age_s > STALE_S ? "stale" : "ok");
      },
    };
  }
}

function saidOf(shown, total, search, unread) {
  const rest = unread ? ` (${unread} files have not been read yet)` : "";
  if (!total && search) return `No recorded field has "${search}" in its name.${rest}`;
  if (!total) return "Nothing is recorded yet.";
  if (shown < total) return `${shown} of ${total} fields: search to see others.${rest}`;
  return `${total} fields${rest}`;
}
