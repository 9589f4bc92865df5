// The log of an instance: the last lines, then each new one; a filter by text and by level.
import { get } from "../connect/api.js";
import { h, setText } from "../dom/build.js";
import { lastTime, newLines } from "../logic/lines.js";
import { clock } from "../logic/words.js";

const LINES = 200;
const MOST = 500;
const TYPING_MS = 300;
const AGAIN_MS = 1500;
const AFTER_ERROR_MS = 3000;
// A filter without a match searches the whole log each time: a long search is repeated seldom.
const REST = 10;

export class Log {
  constructor(name, shown) {
    Object.assign(this, { name, shown });
    this.grep = h("input", { type: "search", placeholder: "Filter", "aria-label": "Filter the log", autocomplete: "off" });
    this.level = h("select", { "aria-label": "Least level" },
      ["", "info", "warn", "error"].map((level) => h("option", { value: level }, level || "all levels")));
    this.said = h("span.quiet");
    this.lines = h("div.log-lines", { tabIndex: 0, role: "log", "aria-live": "off", "aria-label": `Log of ${name}` });
    this.element = h("div", {}, h("div.head", {}, h("h3", {}, "Log"), this.grep, this.level, this.said), this.lines);
    this.grep.addEventListener("input", () => this.soon());
    this.level.addEventListener("change", () => this.load());
    this.visible = () => this.ask();
    document.addEventListener("visibilitychange", this.visible);
    this.load();
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), TYPING_MS);
  }

  /** Show the last lines anew, then those that come. */
  load() {
    this.known = [];
    this.lines.replaceChildren();
    this.ask();
  }

  /** No stream: browsers allow six connections for all windows of a site together. */
  async ask() {
    clearTimeout(this.timer);
    this.loading?.abort();
    if (document.hidden || this.closed) return;
    const loading = new AbortController();
    this.loading = loading;
    let pause_ms = AGAIN_MS;
    const begun_ms = performance.now();
    try {
      const query = { grep: this.grep.value, level: this.level.value, lines: LINES, since: lastTime(this.known) };
      const answer = await get(`instances/${encodeURIComponent(this.name)}/log`, query, loading.signal);
      if (this.loading === loading) this.add(answer);
      pause_ms = Math.max(AGAIN_MS, REST * (performance.now() - begun_ms));
    } catch (error) {
      if (error.name === "AbortError") return;
      setText(this.said, error.message);
      pause_ms = AFTER_ERROR_MS;
    }
    if (this.loading === loading && !this.closed) this.timer = setTimeout(() => this.ask(), pause_ms);
  }

  add({ lines: answer, path }) {
    const { lines } = this;
    const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 30;
    const fresh = newLines(this.known, answer);
    const isTorn = this.known.length > 0 && fresh.length === LINES;
    this.known = [...this.known, ...fresh].slice(-LINES);
    if (isTorn) lines.append(h("p.quiet", {}, "… lines are left out here; the file has them"));
    lines.append(...fresh.map((line) => this.line(line)));
    while (lines.childElementCount > MOST) lines.firstElementChild.remove();
    lines.title = path ?? "";
    if (isAtEnd) lines.scrollTop = lines.scrollHeight;
    if (!this.known.length) setText(this.said, "no such line");
    else if (isAtEnd) setText(this.said, "");
    else if (fresh.length) setText(this.said, "newer lines below");
  }

  line({ at, level, text }) {
    const time = at ? clock(at, this.shown.utc, 3) : "";
    return h("p", { "data-level": level ?? "" }, h("time", {}, time), h("span", {}, text));
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.loading?.abort();
    document.removeEventListener("visibilitychange", this.visible);
  }
}
