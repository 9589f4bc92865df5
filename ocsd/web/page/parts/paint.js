// What a plot paints on its canvas: holes, min-max bands, means, lone samples, texts.
import { lines, texts } from "../logic/columns.js";
import { bands } from "../logic/holes.js";

/** The colours of the page's style sheet, as the canvas needs them. */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(name).trim();
  return {
    text: value("--quiet"), grid: value("--hair"), hole: value("--hole"), holeLine: value("--hole-line"),
    ink: value("--ink"), surface: value("--surface"),
    lines: [0, 1, 2, 3, 4, 5].map((i) => value(`--line-${i}`)),
  };
}

/** Holes: bands from top to bottom with slanted lines, at least a pixel wide at every zoom. */
export function paintHoles(context, holes, box, toX, colours, ratio) {
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  for (const [left, width] of bands(holes, toX, box.left, box.left + box.width)) {
    context.fillStyle = colours.hole;
    context.fillRect(left, box.top, Math.max(width, ratio), box.height);
    hatch(context, left, Math.max(width, ratio), box, colours, ratio);
  }
  context.restore();
}

function hatch(context, left, width, box, colours, ratio) {
  context.save();
  context.beginPath();
  context.rect(left, box.top, width, box.height);
  context.clip();
  context.strokeStyle = colours.holeLine;
  context.lineWidth = ratio;
  context.beginPath();
  const step = 7 * ratio;
  const first = Math.floor((left - box.height) / step) * step;
  for (let x = first; x < left + width; x += step) {
    context.moveTo(x, box.top + box.height);
    context.lineTo(x + box.height, box.top);
  }
  context.stroke();
  context.restore();
}

/** One field: its band from least to greatest, its mean as a line, lone columns as points. */
export function paintSeries(context, series, { since, until, toX, toY, colour, dash, ratio, width }) {
  const { t, min, max, mean } = series;
  const parts = lines(series, since, until);
  context.save();
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.globalAlpha = 0.28;
  for (const [first, last] of parts) paintBand(context, { t, min, max }, first, last, toX, toY, ratio);
  context.globalAlpha = 1;
  context.lineWidth = 1.4 * ratio;
  context.lineJoin = "round";
  context.setLineDash(dash.map((length) => length * ratio));
  context.beginPath();
  for (const [first, last] of parts) {
    context.moveTo(toX(t[first]), toY(mean[first]));
    for (let i = first + 1; i <= last; i += 1) context.lineTo(toX(t[i]), toY(mean[i]));
  }
  context.stroke();
  paintPoints(context, { t, min, max, mean }, parts, toX, toY, ratio, width);
  context.restore();
}

function paintBand(context, { t, min, max }, first, last, toX, toY, ratio) {
  if (first === last) return;
  context.beginPath();
  context.moveTo(toX(t[first]), toY(max[first]));
  for (let i = first + 1; i <= last; i += 1) context.lineTo(toX(t[i]), toY(max[i]));
  for (let i = last; i >= first; i -= 1) context.lineTo(toX(t[i]), toY(min[i]));
  context.closePath();
  context.fill();
  // A spike of one column is as narrow as a pixel: its extremes are drawn as a line of their own.
  context.lineWidth = ratio;
  context.beginPath();
  for (let i = first; i <= last; i += 1) {
    if (toY(min[i]) - toY(max[i]) < 2 * ratio) continue;
    context.moveTo(toX(t[i]), toY(min[i]));
    context.lineTo(toX(t[i]), toY(max[i]));
  }
  context.stroke();
}

function paintPoints(context, { t, min, max, mean }, parts, toX, toY, ratio, width) {
  const drawn = parts.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const all = drawn * 12 * ratio < width;
  context.setLineDash([]);
  context.lineWidth = 2 * ratio;
  for (const [first, last] of parts) {
    if (!all && first !== last) continue;
    for (let i = first; i <= last; i += 1) {
      context.beginPath();
      context.arc(toX(t[i]), toY(mean[i]), 2 * ratio, 0, 2 * Math.PI);
      context.fill();
      if (first !== last || min[i] === max[i]) continue;
      context.beginPath();
      context.moveTo(toX(t[i]), toY(min[i]));
      context.lineTo(toX(t[i]), toY(max[i]));
      context.stroke();
    }
  }
}

const NARROWEST = 26;

/** A text field: each text while it holds; narrow ones are lines only, at most one a pixel. */
export function paintTexts(context, series, { since, until, toX, box, colours, ratio }) {
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  context.font = `${12 * ratio}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  let painted = -Infinity;
  texts(series, since, until).forEach(([begin, end, text], place) => {
    const left = Math.max(box.left, toX(begin));
    const right = Math.min(box.left + box.width, toX(end));
    if (Math.max(right, left + ratio) <= painted) return;
    painted = Math.max(right, left + ratio);
    paintText(context, text, left, right, box, colours, ratio, place);
  });
  context.restore();
}

function paintText(context, text, left, right, box, colours, ratio, place) {
  const width = Math.max(ratio, right - left);
  context.globalAlpha = place % 2 ? 0.16 : 0.3;
  context.fillStyle = colours.lines[0];
  context.fillRect(left, box.top, width, box.height);
  context.globalAlpha = 1;
  context.fillRect(left, box.top, ratio, box.height);
  if (width < NARROWEST * ratio) return;
  context.save();
  context.beginPath();
  context.rect(left, box.top, width - 4 * ratio, box.height);
  context.clip();
  context.fillStyle = colours.ink;
  context.fillText(text, left + 5 * ratio, box.top + box.height / 2);
  context.restore();
}
