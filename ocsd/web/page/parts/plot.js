// One plot: uPlot draws axes, grid, cursor and selection; what lies on them paint.js paints,
// because a series here has its own times, a band, and breaks that no empty pixel makes.
import uPlot from "../vendor/uplot/uPlot.esm.js";
import { h, setAttribute, setText } from "../dom/build.js";
import { extremes, nearest, padded, textAt } from "../logic/columns.js";
import { feedOf, shortOf } from "../logic/groups.js";
import { holeText, holesAt } from "../logic/holes.js";
import { clock, count, duration, moment, number, tickValue, ticks } from "../logic/words.js";
import { paintHoles, paintSeries, paintTexts } from "./paint.js";
import { listenForMoves } from "./moves.js";

const TALL = 230;
const TALL_TEXT = 74;
const FONT = "11px system-ui, sans-serif";

export class Plot {
  /** `moves` has zoom(since, until), move(share), scale(factor, around) and remove(field). */
  constructor({ isText, units, fields }, shown, moves) {
    Object.assign(this, { isText, units, fields, shown, moves });
    this.legend = h("ul.legend");
    this.entries = fields.map((each) => this.entry(each));
    this.box = h("div.plot-box", { tabIndex: 0, role: "img" });
    this.foot = h("p.plot-foot", {}, " ");
    this.element = h("div.plot", {}, this.legend, this.box, this.foot);
    this.view = { since: 0, until: 1 };
    this.holes = [];
    this.lookup = () => undefined;
    listenForMoves(this);
  }

  entry({ field, style }) {
    const value = h("span.value");
    const line = h("span.swatch", { "data-line": style.colour, "data-dash": style.dash.length });
    const remove = h("button.remove", { type: "button", "aria-label": `Remove ${field}`, onclick: () => this.moves.remove(field) }, "×");
    this.legend.append(h("li", { title: field }, line, h("span.name", {}, shortOf(field)), value, remove));
    return { field, style, value };
  }

  /** Make the canvas, for the width and colours of now. */
  make(width, colours) {
    this.uplot?.destroy();
    this.colours = colours;
    const height = this.isText ? TALL_TEXT : TALL;
    const { utc } = this.shown;
    const line = { stroke: colours.grid, width: 1 };
    const axis = { stroke: colours.text, font: FONT, grid: line, ticks: { ...line, size: 4 } };
    this.uplot = new uPlot({
      width, height,
      padding: [8, 10, 0, 0],
      legend: { show: false },
      tzDate: (at) => (utc ? uPlot.tzDate(new Date(at * 1000), "Etc/UTC") : new Date(at * 1000)),
      cursor: {
        y: false,
        points: { show: false },
        sync: { key: "plots" },
        drag: { x: true, y: false, setScale: false },
        bind: { dblclick: () => null, mousedown: onlyPlain },
      },
      scales: { x: { time: true, auto: false }, y: { auto: false } },
      axes: [
        {
          ...axis,
          space: 74,
          size: 38,
          values: (_u, splits, _axis, _space, increment) => ticks(splits, increment, utc),
        },
        {
          ...axis,
          size: 66,
          grid: { ...line, show: !this.isText },
          ticks: { ...line, size: 4, show: !this.isText },
          values: (_u, splits, _axis, _space, increment) =>
            splits.map((value) => (this.isText ? "" : tickValue(value, increment))),
        },
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: { draw: [() => this.paint()], setSelect: [() => this.selected()], setCursor: [() => this.pointed()] },
    }, [[0, 1], [null, null]], this.box);
    this.uplot.over.classList.add("over");
  }

  /** Show this view of the series; `lookup(field)` finds them. */
  draw(view, lookup, holes) {
    const feeds = new Set(this.fields.map(({ field }) => feedOf(field)));
    Object.assign(this, { view, lookup, holes: holes.filter(({ feed }) => feed === "*" || feeds.has(feed)) });
    const [low, high] = this.valueRange();
    this.uplot.batch(() => {
      this.uplot.setScale("x", { min: view.since, max: view.until });
      this.uplot.setScale("y", { min: low, max: high });
    });
    // The same scale again would draw nothing, though the series may have grown.
    this.uplot.redraw(false, false);
    this.describe();
    this.pointed();
  }

  valueRange() {
    if (this.isText) return [0, 1];
    const all = this.fields.map(({ field }) => this.lookup(field)).filter(Boolean)
      .map((series) => extremes(series, this.view.since, this.view.until)).filter(Boolean);
    this.found = all;
    if (!all.length) return [0, 1];
    const [least, greatest] = padded(Math.min(...all.map((each) => each.least)), Math.max(...all.map((each) => each.greatest)));
    return uPlot.rangeNum(least, greatest, 0.08, false);
  }

  describe() {
    const names = this.fields.map(({ field }) => shortOf(field)).join(", ");
    const { utc } = this.shown;
    const span = `${moment(this.view.since, utc)} to ${moment(this.view.until, utc)}`;
    const least = (this.found ?? []).map((each) => number(each.least)).join(", ");
    const greatest = (this.found ?? []).map((each) => number(each.greatest)).join(", ");
    const values = this.found?.length ? `; least ${least}, greatest ${greatest} ${this.units}` : "";
    // Whole minutes, so that a screen reader is not told anew with each sample.
    if (this.told === Math.floor(this.view.until / 60) && this.toldFor === span.length + names) return;
    Object.assign(this, { told: Math.floor(this.view.until / 60), toldFor: span.length + names });
    setAttribute(this.box, "aria-label", `Plot of ${names}, ${span}${values}; ${this.holes.length} holes. Arrow keys move, plus and minus zoom.`);
  }

  paint() {
    const { ctx, bbox: box } = this.uplot;
    const ratio = uPlot.pxRatio;
    const { since, until } = this.view;
    const toX = (at) => box.left + ((at - since) / (until - since)) * box.width;
    const toY = (value) => this.uplot.valToPos(value, "y", true);
    const colours = this.colours;
    ctx.save();
    ctx.beginPath();
    ctx.rect(box.left, box.top, box.width, box.height);
    ctx.clip();
    paintHoles(ctx, this.holes, box, toX, colours, ratio);
    for (const { field, style } of this.fields) {
      const series = this.lookup(field);
      if (!series) continue;
      if (series.changes) paintTexts(ctx, series, { since, until, toX, box, colours, ratio });
      else paintSeries(ctx, series, { since, until, toX, toY, ratio, width: box.width, colour: colours.lines[style.colour], dash: style.dash });
    }
    ctx.restore();
  }

  /** Values at the cursor, or the newest ones; what is drawn there stands in the line below. */
  pointed() {
    if (!this.uplot) return;
    const { left } = this.uplot.cursor;
    const isInside = left !== undefined && left !== null && left >= 0;
    const span = this.view.until - this.view.since;
    const pixel_s = span / Math.max(1, this.uplot.over.clientWidth);
    const at = isInside ? this.view.since + left * pixel_s : this.view.until;
    const within_s = isInside ? 8 * pixel_s : span;
    for (const { field, value } of this.entries) setText(value, this.valueText(field, at, within_s));
    setText(this.foot, isInside ? this.footText(at, 4 * pixel_s, span) : " ");
  }

  valueText(field, at, within_s) {
    const series = this.lookup(field);
    if (!series) return "–";
    if (series.changes) return textAt(series, at, within_s) ?? "no sample";
    const place = nearest(series, at, within_s);
    if (place < 0) return "no sample";
    const { n, min, max, mean } = series;
    const units = series.units ? ` ${series.units}` : "";
    if (mean[place] === null) return "not a number";
    if (n[place] <= 1) return `${number(mean[place])}${units}`;
    return `${number(mean[place])}${units}  (${number(min[place])} … ${number(max[place])}, ${count(n[place])} samples)`;
  }

  footText(at, within_s, span) {
    const { utc } = this.shown;
    const time = moment(at, utc, span < 60 ? 3 : 0);
    const holes = holesAt(this.holes, at, within_s);
    if (!holes.length) return time;
    const more = holes.length > 1 ? ` and ${holes.length - 1} more` : "";
    return `${time} · hole: ${holeText(holes[0], utc)}${more}`;
  }

  selected() {
    const { left, width } = this.uplot.select;
    if (width < 3) return;
    const pixel_s = (this.view.until - this.view.since) / this.uplot.over.clientWidth;
    const since = this.view.since + left * pixel_s;
    this.uplot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.moves.zoom(since, since + width * pixel_s);
  }

  destroy() {
    this.uplot?.destroy();
    this.element.remove();
  }
}

function onlyPlain(_u, _target, handle) {
  return (event) => {
    if (!event.shiftKey) handle(event);
  };
}


/** "10 min to 13:45:12", "2026-01-02 00:00:00 to 2026-03-01 12:00:00 (58 d 12 h)". */
export function spanText(view, { since, until }, utc) {
  const zone = utc ? "UTC" : "local time";
  if (view.live) return `Live, last ${duration(view.span_s)}, to ${clock(until, utc)} ${zone}`;
  const digits = until - since < 60 ? 2 : 0;
  return `${moment(since, utc, digits)} to ${moment(until, utc, digits)} ${zone} (${duration(until - since)})`;
}
