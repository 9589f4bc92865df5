// All plots: which fields, which time, and when something is drawn.
import { address } from "../connect/api.js";
import { History } from "../connect/history.js";
import { Rows, h, setAttribute, setText, whenSeen } from "../dom/build.js";
import { plotsOf } from "../logic/groups.js";
import { holeText } from "../logic/holes.js";
import { PRESETS, fixed, live, moved, resolved, zoomed } from "../logic/span.js";
import { moment, typedTime } from "../logic/words.js";
import { Plot, spanText } from "./plot.js";
import { palette } from "./paint.js";

const $ = (id) => document.getElementById(id);
const FASTEST_MS = 150;
const SLOWEST_MS = 2000;
const MOVED_MS = 220;
const LISTED_HOLES = 50;

export class Plots {
  constructor(site, shown) {
    Object.assign(this, { site, shown, plots: [], key: "", due: Infinity });
    this.history = new History(
      site,
      (isNew) => (isNew ? this.soon() : this.later()),
      (text) => setText($("plots-said"), text),
      (fields) => shown.set({ fields }, false),
    );
    this.holes = new Rows($("holes-list"), (hole) => JSON.stringify(hole), holeRow(shown));
    this.moves = {
      zoom: (since, until) => this.go(fixed(since, until, site.now())),
      move: (share) => this.go(moved(shown.view, share, site.now())),
      scale: (factor, around) => this.go(zoomed(shown.view, factor, site.now(), around)),
      live: () => this.goLive(),
      remove: (field) => shown.set({ fields: shown.fields.filter((each) => each !== field) }),
    };
    this.wire();
    shown.on((part) => this.follow(part));
    // Live plots follow the server's clock: the first answer says what time it is there.
    const start = () => {
      if (this.started) return;
      this.started = true;
      this.follow({ fields: [], view: null });
    };
    site.on("state", start);
    document.addEventListener("visibilitychange", () => (document.hidden ? this.history.stop() : this.reload(0)));
    new ResizeObserver(() => this.resized()).observe($("plots"));
    this.seen = true;
    whenSeen($("plots"), (isSeen) => this.see(isSeen));
    setInterval(() => this.shown.view.live && this.later(), 1000);
  }

  wire() {
    const { moves, shown, site } = this;
    for (const [span_s, text] of PRESETS) {
      $("spans").append(h("button", { type: "button", "data-span": span_s, onclick: () => this.span(span_s) }, text));
    }
    const click = (id, act) => $(id).addEventListener("click", act);
    click("back", () => moves.move(-0.5));
    click("forward", () => moves.move(0.5));
    click("closer", () => moves.scale(0.5, null));
    click("wider", () => moves.scale(2, null));
    click("go-live", () => (shown.view.live ? moves.zoom(...Object.values(resolved(shown.view, site.now()))) : this.goLive()));
    click("zone", () => shown.set({ utc: !shown.utc }));
    click("apart", () => shown.set({ apart: !shown.apart }));
    for (const id of ["from", "to"]) $(id).addEventListener("change", () => this.typed());
    for (const format of ["csv", "parquet"]) click(`export-${format}`, (event) => this.export(event, format));
  }

  span(span_s) {
    const { view } = this.shown;
    if (view.live) this.go(live(span_s));
    else this.go(fixed(view.until - span_s, view.until, this.site.now()));
  }

  /** Go to the time that was typed; without an end, until now. */
  typed() {
    const now = this.site.now();
    const { utc } = this.shown;
    const since = typedTime($("from").value, utc);
    const end = $("to").value.trim() === "" ? now : Math.min(now, typedTime($("to").value, utc));
    const isRight = since < end;
    for (const id of ["from", "to"]) setAttribute($(id), "aria-invalid", isRight ? null : "true");
    if (isRight) this.go(fixed(since, end, now));
  }

  showTimes({ since, until }) {
    const { view, utc } = this.shown;
    const texts = { from: "", to: "" };
    if (!view.live) Object.assign(texts, { from: moment(since, utc), to: moment(until, utc) });
    for (const [id, text] of Object.entries(texts)) {
      if (document.activeElement === $(id) || $(id).hasAttribute("aria-invalid")) continue;
      if ($(id).value !== text) $(id).value = text;
    }
  }

  goLive() {
    const { since, until } = resolved(this.shown.view, this.site.now());
    this.go(live(until - since));
  }

  /** Go to a view; a move that goes on replaces the last entry of the browser's Back. */
  go(view) {
    for (const id of ["from", "to"]) setAttribute($(id), "aria-invalid", null);
    const isMoving = performance.now() - (this.movedAt ?? -Infinity) < 1000;
    this.movedAt = performance.now();
    this.shown.set({ view }, !isMoving);
  }

  follow(part) {
    this.controls();
    if ("apart" in part || "utc" in part) this.key = "";
    if ("fields" in part || "view" in part) this.reload("fields" in part ? 0 : MOVED_MS);
    this.soon();
  }

  reload(delay_ms) {
    if (document.hidden || !this.started) return;
    this.history.load(this.shown.fields, this.shown.view, this.width(), delay_ms);
  }

  width() {
    return Math.max(200, Math.floor($("plots").clientWidth));
  }

  resized() {
    if (this.width() === this.drawnWidth) return;
    this.key = "";
    this.reload(MOVED_MS);
    this.soon();
  }

  controls() {
    const { view, utc, apart, fields } = this.shown;
    setAttribute($("go-live"), "aria-pressed", view.live);
    setText($("go-live"), view.live ? "Live" : "Go live");
    setText($("zone"), utc ? "UTC" : "Local time");
    setAttribute($("apart"), "aria-pressed", apart);
    for (const button of $("spans").children) {
      setAttribute(button, "aria-pressed", view.live && view.span_s === Number(button.dataset.span));
    }
    for (const format of ["csv", "parquet"]) setAttribute($(`export-${format}`), "aria-disabled", fields.length === 0);
    if (!fields.length) setText($("plots-said"), "Tick a field to plot it.");
    else if ($("plots-said").textContent.startsWith("Tick")) setText($("plots-said"), "");
  }

  export(event, format) {
    const { fields, view } = this.shown;
    if (!fields.length) {
      event.preventDefault();
      return;
    }
    event.currentTarget.href = address("export", { field: fields, ...resolved(view, this.site.now()), format });
  }

  /** Plots that cannot be seen are not drawn. */
  see(isSeen) {
    this.seen = isSeen;
    if (isSeen) this.soon();
  }

  /** Draw as soon as something else was chosen. */
  soon() {
    this.drawIn(FASTEST_MS);
  }

  /** Draw what came, when it has moved by a pixel. */
  later() {
    const { since, until } = resolved(this.shown.view, this.site.now());
    const pixel_ms = ((until - since) / this.width()) * 1000;
    this.drawIn(Math.min(SLOWEST_MS, Math.max(FASTEST_MS, pixel_ms)));
  }

  drawIn(pause_ms) {
    if (document.hidden || !this.seen) return;
    const left_ms = pause_ms - (performance.now() - (this.drawnAt ?? -Infinity));
    if (this.due <= performance.now() + left_ms) return;
    clearTimeout(this.waiting);
    this.due = performance.now() + Math.max(0, left_ms);
    this.waiting = setTimeout(() => requestAnimationFrame(() => this.draw()), left_ms);
  }

  draw() {
    this.due = Infinity;
    if (document.hidden || !this.started) return;
    this.drawnAt = performance.now();
    const { series, holes } = this.history;
    const lookup = (field) => series.get(field);
    this.arrange(plotsOf(this.shown.fields, lookup, this.shown.apart));
    const view = resolved(this.shown.view, this.site.now());
    setText($("span-said"), this.shown.fields.length ? spanText(this.shown.view, view, this.shown.utc) : "");
    this.showTimes(view);
    for (const plot of this.plots) plot.draw(view, lookup, holes);
    this.listHoles(holes.filter((hole) => hole.until_at >= view.since && hole.since_at <= view.until));
  }

  /** Make the plots anew if other fields, units, a width or colours are wanted. */
  arrange(wanted) {
    const width = this.width();
    const key = JSON.stringify([wanted, width]);
    if (key === this.key) return;
    this.key = key;
    this.drawnWidth = width;
    this.plots.forEach((plot) => plot.destroy());
    const colours = palette();
    this.plots = wanted.map((each) => new Plot(each, this.shown, this.moves));
    $("plots").replaceChildren(...this.plots.map(({ element }) => element));
    this.plots.forEach((plot) => plot.make(width, colours));
  }

  listHoles(holes) {
    $("holes").hidden = holes.length === 0;
    const more = holes.length > LISTED_HOLES ? `, the last ${LISTED_HOLES} are listed` : "";
    setText($("holes-count"), `${holes.length} ${holes.length === 1 ? "hole" : "holes"} in this view${more}`);
    if ($("holes").open) this.holes.update(holes.slice(-LISTED_HOLES));
  }

  /** Draw in other colours. */
  recolour() {
    this.key = "";
    this.soon();
  }
}

const holeRow = (shown) => () => {
  const element = h("li");
  return { element, update: (hole) => setText(element, holeText(hole, shown.utc)) };
};
