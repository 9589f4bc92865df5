// The states of an instance over 24 h, as a strip: height and colour tell the state.
import { Rows, h, setAttribute, setText, svg } from "../dom/build.js";
import { look } from "../logic/states.js";
import { clock, duration, moment } from "../logic/words.js";

const HEIGHTS = { ok: 1, busy: 0.7, warning: 0.7, bad: 1, off: 0.25 };
const WIDTH = 1000;
const HEIGHT = 22;
const MOST = 2000;

export class Strip {
  constructor(shown) {
    this.shown = shown;
    this.bars = svg("svg", { class: "strip", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
    this.said = h("p.strip-said");
    this.from = h("span", {}, "24 h ago");
    this.rows = new Rows(this.bars, ({ since_at: since }) => since, () => this.createBar());
    this.element = h("div.strip-box", {}, this.bars, h("div.strip-foot", {}, this.from, this.said, h("span", {}, "now")));
    this.bars.addEventListener("pointermove", (event) => this.point(event));
    this.bars.addEventListener("pointerleave", () => setText(this.said, this.summary));
  }

  createBar() {
    const element = svg("rect", {});
    return {
      element,
      update: (span) => {
        const tone = toneOf(span);
        const scale = WIDTH / (this.until - this.since);
        const left = Math.max(0, (span.since_at - this.since) * scale);
        const right = Math.min(WIDTH, ((span.until_at ?? this.until) - this.since) * scale);
        const tall = HEIGHT * HEIGHTS[tone];
        setAttribute(element, "x", left.toFixed(2));
        setAttribute(element, "width", Math.max(1, right - left).toFixed(2));
        setAttribute(element, "y", (HEIGHT - tall).toFixed(1));
        setAttribute(element, "height", tall.toFixed(1));
        setAttribute(element, "data-tone", tone);
      },
    };
  }

  update(spans, since, until) {
    Object.assign(this, { since, until, spans: spans.slice(-MOST) });
    this.rows.update(this.spans);
    const up_s = spans.filter((span) => toneOf(span) === "ok")
      .reduce((sum, span) => sum + Math.min(until, span.until_at ?? until) - Math.max(since, span.since_at), 0);
    this.summary = `Last 24 h: up and well for ${duration(up_s)}`;
    setText(this.said, this.summary);
    setAttribute(this.bars, "aria-label", this.summary);
  }

  point(event) {
    if (!this.spans) return;
    const box = this.bars.getBoundingClientRect();
    const at = this.since + ((event.clientX - box.left) / box.width) * (this.until - this.since);
    const span = this.spans.find((each) => each.since_at <= at && at <= (each.until_at ?? this.until));
    if (!span) return;
    const words = [span.state, span.health === "ok" ? "" : span.health, span.reason].filter(Boolean);
    const { utc } = this.shown;
    const end = span.until_at ?? this.until;
    setText(this.said, `${moment(span.since_at, utc)} to ${clock(end, utc)} (${duration(end - span.since_at)}): ${words.join(", ")}`);
  }
}

function toneOf(span) {
  if (!span.state || span.state === "unknown") return "off";
  return look({ ...span, target: "" }).tone;
}
