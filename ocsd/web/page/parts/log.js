// The log of an instance: the last lines, then each new one; a filter by text and by level.
import { address, get } from "../connect/api.js";
import { Stream } from "../connect/stream.js";
import { h, setText } from "../dom/build.js";
import { clock } from "../logic/words.js";

const LINES = 200;
const MOST = 500;
const TYPING_MS = 300;

export class Log {
  constructor(name, shown) {
    Object.assign(this, { name, shown });
    this.grep = h("input", { type: "search", placeholder: "Filter", "aria-label": "Filter the log", autocomplete: "off" });
    this.level = h("select", { "aria-label": "Least level" },
      ["", "info", "warning", "error"].map((level) => h("option", { value: level }, level || "all levels")));
    this.said = h("span.quiet");
    this.lines = h("div.log-lines", { tabIndex: 0, role: "log", "aria-live": "off", "aria-label": `Log of ${name}` });
    this.element = h("div", {}, h("div.head", {}, h("h3", {}, "Log"), this.grep, this.level, this.said), this.lines);
    this.grep.addEventListener("input", () => this.soon());
    this.level.addEventListener("change", () => this.load());
    this.visible = () => (document.hidden ? this.stop() : this.load());
    document.addEventListener("visibilitychange", this.visible);
    this.load();
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), TYPING_MS);
  }

  get path() {
    return `instances/${encodeURIComponent(this.name)}/log`;
  }

  async load() {
    this.stop();
    this.loading?.abort();
    const loading = new AbortController();
    this.loading = loading;
    const wanted = { grep: this.grep.value, level: this.level.value };
    try {
      const { lines, path } = await get(this.path, { ...wanted, lines: LINES }, loading.signal);
      if (this.closed || this.loading !== loading) return;
      this.lines.replaceChildren(...lines.map((line) => this.line(line)));
      this.lines.title = path ?? "";
      setText(this.said, lines.length ? "" : "no such line");
      this.lines.scrollTop = this.lines.scrollHeight;
      this.follow(wanted);
    } catch (error) {
      if (error.name === "AbortError" || this.closed) return;
      setText(this.said, error.message);
      this.timer = setTimeout(() => this.load(), 3000);
    }
  }

  follow(wanted) {
    if (document.hidden) return;
    const again = () => {
      this.timer = setTimeout(() => this.load(), 2000);
      return true;
    };
    this.stream = new Stream(address(`${this.path}/follow`, wanted), { line: (line) => this.add(line) }, { lost: again });
  }

  add(line) {
    const { lines } = this;
    const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 30;
    lines.append(this.line(line));
    while (lines.childElementCount > MOST) lines.firstElementChild.remove();
    if (isAtEnd) lines.scrollTop = lines.scrollHeight;
    setText(this.said, isAtEnd ? "" : "newer lines below");
  }

  line({ at, level, text }) {
    const time = at ? clock(at, this.shown.utc, 3) : "";
    return h("p", { "data-level": level ?? "" }, h("time", {}, time), h("span", {}, text));
  }

  stop() {
    clearTimeout(this.timer);
    this.stream?.close();
    this.stream = null;
  }

  close() {
    this.closed = true;
    this.stop();
    this.loading?.abort();
    document.removeEventListener("visibilitychange", this.visible);
  }
}
