// Sparklines: the rate of samples of each instance over the last hour, asked once a minute.
import { get } from "../connect/api.js";
import { setAttribute, svg } from "../dom/build.js";
import { rates } from "../logic/rates.js";
import { rate } from "../logic/words.js";

const SPAN_S = 3600;
const COLUMNS = 60;
const AGAIN_MS = 60000;
const AT_ONCE = 32;
const MOST = 10000;
const WIDTH = 84;
const HEIGHT = 18;

export class Rates {
  constructor(site) {
    this.site = site;
    this.found = new Map();
    this.askedAt = -Infinity;
    this.known = 0;
  }

  /** Ask again if a minute has passed or an instance has come. */
  follow(instances) {
    const isDue = performance.now() - this.askedAt > AGAIN_MS || instances.length !== this.known;
    if (!isDue || this.asking) return;
    this.known = instances.length;
    this.askedAt = performance.now();
    const none = () => new Map();
    this.asking = this.ask().catch(none).then((found) => {
      this.found = found;
      this.asking = null;
    });
  }

  /** The rates by instance; an old one is none, because it says "now". */
  async ask() {
    const found = new Map();
    const { fields: wanted } = await get("fields", { each: "instance", limit: MOST });
    const until = Math.floor(this.site.now() / 60) * 60;
    for (let i = 0; i < wanted.length; i += AT_ONCE) {
      const some = wanted.slice(i, i + AT_ONCE);
      const query = { field: some.map(({ field }) => field), since: until - SPAN_S, until, columns: COLUMNS };
      const answer = await get("window", query);
      for (const { instance_id: name, field } of some) {
        found.set(name, rates(answer.fields[field], until - SPAN_S, until, COLUMNS));
      }
    }
    return found;
  }

  draw() {
    const line = svg("path", { fill: "none", stroke: "currentColor", "stroke-width": "1.2" });
    const element = svg("svg", { class: "spark", role: "img", width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}` }, line);
    let drawn = null;
    const update = (name) => {
      const values = this.found.get(name);
      if (values === drawn) return;
      drawn = values;
      setAttribute(line, "d", values ? path(values) : null);
      if (!values) {
        setAttribute(element, "aria-label", "rate not known");
        return;
      }
      const told = `${rate(values[values.length - 1])} now, up to ${rate(Math.max(...values))} in the last hour`;
      setAttribute(element, "aria-label", told);
    };
    return { element, update };
  }
}

function path(values) {
  const top = Math.max(...values, 1e-9) * 1.05;
  const step = WIDTH / Math.max(1, values.length - 1);
  return values
    .map((value, i) => `${i ? "L" : "M"}${(i * step).toFixed(1)} ${(HEIGHT - 1 - (value / top) * (HEIGHT - 2)).toFixed(1)}`)
    .join("");
}
