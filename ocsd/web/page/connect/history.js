// The series of the chosen fields: a window first, then live columns from where it ends.
import { address, get } from "./api.js";
import { Stream } from "./stream.js";
import { wait } from "../logic/backoff.js";
import { merge, seriesOf, trim } from "../logic/columns.js";
import { resolved, seam, stepFor } from "../logic/span.js";

const MOST_COLUMNS = 2000;
const TOO_MANY_COLUMNS = 6000;

export class History {
  /** `changed` is called when there is something new to draw, `said` with a text for the reader. */
  constructor(site, changed, said) {
    Object.assign(this, { site, changed, said });
    this.series = new Map();
    this.holes = [];
    this.attempt = 0;
    this.turn = 0;
  }

  /** Load these fields for this view; `delay_ms` gives time to a hand that still moves. */
  load(fields, view, width, delay_ms = 0) {
    Object.assign(this, { fields, view, width });
    this.stop();
    clearTimeout(this.timer);
    if (fields.length) this.timer = setTimeout(() => this.ask(), delay_ms);
    else this.series.clear();
  }

  again(delay_ms) {
    this.load(this.fields, this.view, this.width, delay_ms);
  }

  async ask() {
    const { fields, view, width, site } = this;
    const loading = new AbortController();
    this.loading = loading;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const columns = Math.max(100, Math.min(MOST_COLUMNS, Math.round(width * ratio)));
    let { since, until } = resolved(view, site.now());
    const step = stepFor(until - since, width);
    if (view.live) until = seam(until, step);
    try {
      const answer = await get("window", { field: fields, since, until, columns }, loading.signal);
      if (this.loading !== loading) return;
      this.take(answer);
      this.attempt = 0;
      this.said("");
      if (view.live) this.follow(fields, step, until);
    } catch (error) {
      if (error.name === "AbortError" || this.loading !== loading) return;
      this.failed(error);
    }
    this.changed();
  }

  take(answer) {
    this.series = new Map(Object.entries(answer.fields).map(([field, one]) => [field, seriesOf(one)]));
    this.holes = answer.holes;
  }

  failed(error) {
    const isOver = error.status >= 400 && error.status < 500;
    this.said(isOver ? error.message : `${error.message}; trying again`);
    if (isOver) return;
    this.timer = setTimeout(() => this.ask(), wait(this.attempt, Math.random()) * 1000);
    this.attempt += 1;
  }

  follow(fields, step, since) {
    const url = address("live", { field: fields, step, since });
    // After a loss the window is asked again, so that nothing is missing in between.
    const lost = () => {
      this.again(wait(this.attempt, Math.random()) * 1000);
      this.attempt += 1;
      return true;
    };
    this.stream = new Stream(url, {
      update: ({ fields: columns }) => this.join(columns),
      redraw: () => this.again(200),
      tick: () => {},
    }, { lost });
  }

  join(columns) {
    const oldest = this.site.now() - this.view.span_s * 1.2;
    let longest = 0;
    for (const [field, update] of Object.entries(columns)) {
      const series = this.series.get(field);
      if (!series) continue;
      merge(series, update);
      trim(series, oldest);
      longest = Math.max(longest, series.t.length);
    }
    if (longest > TOO_MANY_COLUMNS) this.again(0);
    this.changed();
  }

  stop() {
    this.loading?.abort();
    this.loading = null;
    this.stream?.close();
    this.stream = null;
  }
}
