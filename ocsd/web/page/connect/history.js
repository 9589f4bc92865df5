// The series of the chosen fields: live columns, and before them the window that ends where
// the first of them begins.
import { address, get } from "./api.js";
import { Stream } from "./stream.js";
import { wait } from "../logic/backoff.js";
import { breaksBefore, from, merge, placeOf, seriesOf, trim } from "../logic/columns.js";
import { joined } from "../logic/holes.js";
import { resolved, stepFor } from "../logic/span.js";

const MOST_COLUMNS = 2000;
const TOO_MANY_COLUMNS = 6000;
const SEAM_S = 10;
const HOLE_KNOWN_MS = [1500, 15000];
const REDRAW_MS = 1000;

function unreadText(files) {
  if (!files) return "";
  const missing = "samples that came hours late, and holes that reach into other times";
  return `${files} files have not been read yet: ${missing}, may be missing here.`;
}

export class History {
  /**
   * `changed(isNew)` is called when there is something to draw, `said` with a text to read,
   * and `named` with the whole names if fields were named by endings or patterns.
   */
  constructor(site, changed, said, named) {
    Object.assign(this, { site, changed, said, named });
    this.series = new Map();
    this.holes = [];
    this.attempt = 0;
  }

  /** Load these fields for this view; `delay_ms` gives time to a hand that still moves. */
  load(fields, view, width, delay_ms = 0) {
    Object.assign(this, { fields, view, width });
    this.stop();
    if (fields.length) this.timer = setTimeout(() => this.ask(), delay_ms);
    else this.series.clear();
  }

  again(delay_ms) {
    this.load(this.fields, this.view, this.width, delay_ms);
  }

  ask() {
    const { fields, view, width, site } = this;
    const now = site.now();
    const { since, until } = resolved(view, now);
    if (!view.live) {
      this.askWindow(fields, since, until);
      return;
    }
    this.follow(fields, since, until, stepFor(until - since, width));
  }

  /** Ask for a window; `keep` keeps the live columns behind it. */
  async askWindow(fields, since, until, keep = false) {
    const loading = new AbortController();
    this.loading = loading;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const columns = Math.max(100, Math.min(MOST_COLUMNS, Math.round(this.width * ratio)));
    try {
      const answer = await get("window", { field: fields, since, until, columns }, loading.signal);
      if (this.loading !== loading) return;
      this.take(answer, keep);
      this.attempt = 0;
      this.said(unreadText(answer.unread));
      if (fields.some((field) => !answer.fields[field])) this.named(Object.keys(answer.fields));
    } catch (error) {
      if (error.name === "AbortError" || this.loading !== loading) return;
      this.failed(error);
    }
    this.changed(true);
  }

  take(answer, keep) {
    const before = this.series;
    this.series = new Map(Object.entries(answer.fields).map(([field, one]) => [field, seriesOf(one)]));
    this.holes = keep ? joined(this.holes, answer.holes) : answer.holes;
    if (keep) before.forEach((series, field) => this.join({ [field]: from(series, answer.until) }));
    const early = this.early;
    this.early = null;
    early?.forEach((columns) => this.join(columns));
  }

  failed(error) {
    this.stop();
    // What is not found may come: a folder that was moved, a field that is recorded soon.
    const isOver = error.status >= 400 && error.status < 500 && error.status !== 404;
    this.said(isOver ? error.message : `${error.message}; trying again`);
    if (isOver) return;
    this.timer = setTimeout(() => this.ask(), wait(this.attempt, Math.random()) * 1000);
    this.attempt += 1;
  }

  /**
   * Follow live columns. From the time that `begin` names they are complete, so the window
   * that ends there meets them. It may come again, after much that is new. A stream that never begins has a
   * reason, which the window tells.
   */
  follow(fields, since, until, step) {
    const url = address("live", { field: fields, step, since: until - SEAM_S - step });
    let begun = false;
    const lost = () => {
      const delay_ms = wait(this.attempt, Math.random()) * 1000;
      this.attempt += 1;
      if (begun) this.again(delay_ms);
      else this.askReason(fields, since, until, delay_ms);
      return true;
    };
    const begin = ({ since: seam }) => {
      begun = true;
      this.seam = seam;
      this.early = [];
      this.askWindow(fields, since, seam);
    };
    this.stream = new Stream(url, {
      begin,
      update: ({ fields: columns }) => (this.early ? this.early.push(columns) : this.join(columns)),
      redraw: () => this.redraw(),
      tick: () => {},
    }, { lost });
  }

  /** Late data, before the live columns: the window is asked again, once a second at most. */
  redraw() {
    if (this.redrawing) return;
    this.redrawing = setTimeout(() => {
      this.redrawing = null;
      const since = this.site.now() - this.view.span_s;
      if (this.seam > since && this.early === null) this.askWindow(this.fields, since, this.seam, true);
    }, REDRAW_MS);
  }

  async askReason(fields, since, until, delay_ms) {
    this.stream = null;
    const { attempt } = this;
    await this.askWindow(fields, since, until);
    if (this.loading === null) return; // it has failed, and said why
    this.attempt = attempt;
    this.timer = setTimeout(() => this.ask(), delay_ms);
  }

  join(columns) {
    const oldest = this.site.now() - this.view.span_s * 1.2;
    let longest = 0;
    for (const [field, update] of Object.entries(columns)) {
      const series = this.series.get(field);
      if (!series) continue;
      const known = series.t[series.t.length - 1] ?? Infinity;
      merge(series, update);
      this.lookForHole(series, (update.t ?? []).filter((at) => at > known));
      trim(series, oldest);
      longest = Math.max(longest, series.t.length);
    }
    if (longest > TOO_MANY_COLUMNS) this.again(0);
    this.changed(false);
  }

  /** Data that come after a gap: the server now knows the cause of the hole. */
  lookForHole(series, times) {
    const at = times.find((time) => breaksBefore(series, placeOf(series.t, time)));
    if (at === undefined || at === this.gapAt) return;
    this.gapAt = at;
    this.holeTimers?.forEach(clearTimeout);
    this.holeTimers = HOLE_KNOWN_MS.map((wait_ms) => setTimeout(() => this.askHoles(), wait_ms));
  }

  /** The holes since the live columns began; their columns are there already. */
  async askHoles() {
    const { fields, seam } = this;
    try {
      const query = { field: fields, since: seam - SEAM_S, until: this.site.now(), columns: 100 };
      const { holes } = await get("window", query);
      if (this.fields === fields && this.seam === seam) this.holes = joined(this.holes, holes);
      this.changed(true);
    } catch {
      // The next window has them.
    }
  }

  stop() {
    this.loading?.abort();
    this.loading = null;
    clearTimeout(this.timer);
    clearTimeout(this.redrawing);
    this.holeTimers?.forEach(clearTimeout);
    this.redrawing = null;
    this.stream?.close();
    this.stream = null;
    this.early = null;
  }
}
