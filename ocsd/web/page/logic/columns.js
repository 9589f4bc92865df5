// Series of columns (t, n, min, max, mean) over time: live ones join the window, lines break.
// A column of a raw series is one sample; a column without a number has null in min, max, mean.

const KEYS = ["t", "n", "min", "max", "mean"];

/** A series of an answer of `window`. */
export function seriesOf(answer) {
  return {
    ...Object.fromEntries(KEYS.map((key) => [key, answer[key] ?? []])),
    breaks: new Set((answer.breaks ?? []).map((place) => answer.t[place])),
    windowEnd: answer.t?.length ? answer.t[answer.t.length - 1] : -Infinity,
    usual_s: null,
    raw: answer.raw, changes: answer.changes ?? null,
    units: answer.units || "", label: answer.label || "",
  };
}

/** The first place in `t` whose time is at least `at`. */
export function placeOf(t, at) {
  let low = 0;
  let high = t.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (t[middle] < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The columns and changes of a series from a time on, as an update of live columns. */
export function from(series, since) {
  const first = placeOf(series.t, since);
  const columns = KEYS.map((key) => [key, series[key].slice(first)]);
  const changes = series.changes?.filter(([at]) => at >= since);
  return { ...Object.fromEntries(columns), changes };
}

/** Take live columns into a series: a column that is there already is replaced. */
export function merge(series, update) {
  if (update.changes) mergeChanges(series, update.changes);
  if (!update.t) return;
  for (let i = 0; i < update.t.length; i += 1) {
    const place = placeOf(series.t, update.t[i]);
    const replaces = series.t[place] === update.t[i] ? 1 : 0;
    for (const key of KEYS) {
      if (place === series.t.length) series[key].push(update[key][i]);
      else series[key].splice(place, replaces, update[key][i]);
    }
  }
}

function mergeChanges(series, more) {
  series.changes ??= [];
  const { changes } = series;
  for (const [at, text] of more) {
    const last = changes[changes.length - 1];
    if (!last || (at > last[0] && text !== last[1])) changes.push([at, text]);
  }
}

/** Drop what is older than `since`, a quarter of the series at a time, so that it seldom moves. */
export function trim(series, since) {
  const old = placeOf(series.t, since) - 1;
  if (old > series.t.length / 4 && old > 50) {
    for (const key of KEYS) series[key].splice(0, old);
    for (const at of series.breaks) if (at < series.t[0]) series.breaks.delete(at);
  }
  const { changes } = series;
  while (changes && changes.length > 1 && changes[1][0] < since) changes.shift();
}

/**
 * Whether the line breaks before a column.
 *
 * Within the window the server has said so. Behind it, live, holds the rule of `ocsd data gaps`:
 * more than five usual intervals and a second without a sample.
 */
export function breaksBefore(series, place) {
  if (place === 0) return true;
  const at = series.t[place];
  if (series.breaks.has(at)) return true;
  if (at <= series.windowEnd) return false;
  return at - series.t[place - 1] > 5 * usualInterval(series) + 1;
}

/** The median distance of the last columns [s], found again when the series has grown. */
export function usualInterval(series) {
  const { t } = series;
  if (series.usual_s === null || series.usual_of + 50 < t.length) {
    const steps = [];
    for (let i = Math.max(1, t.length - 200); i < t.length; i += 1) steps.push(t[i] - t[i - 1]);
    steps.sort((one, other) => one - other);
    series.usual_s = steps.length ? steps[steps.length >> 1] : Infinity;
    series.usual_of = t.length;
  }
  return series.usual_s;
}

/** Unbroken lines from `since` to `until`: [first, last] places, with a neighbour on each side. */
export function lines(series, since, until) {
  const { t, mean } = series;
  const first = Math.max(0, placeOf(t, since) - 1);
  const last = Math.min(t.length - 1, placeOf(t, until));
  return unbroken(series, first, last, (i) => mean[i] !== null);
}

function unbroken(series, first, last, isDrawn) {
  const found = [];
  let begin = -1;
  for (let i = first; i <= last; i += 1) {
    const drawn = isDrawn(i);
    if (begin >= 0 && (!drawn || breaksBefore(series, i))) {
      found.push([begin, i - 1]);
      begin = -1;
    }
    if (begin < 0 && drawn) begin = i;
  }
  if (begin >= 0) found.push([begin, last]);
  return found;
}

/** The least and the greatest value from `since` to `until`, and the samples; null without any. */
export function extremes(series, since, until) {
  const { t, min, max, n } = series;
  let least = Infinity;
  let greatest = -Infinity;
  let samples = 0;
  for (let i = placeOf(t, since); i < t.length && t[i] <= until; i += 1) {
    samples += n[i];
    if (min[i] === null) continue;
    if (min[i] < least) least = min[i];
    if (max[i] > greatest) greatest = max[i];
  }
  if (least === Infinity) return null;
  return { least, greatest, samples };
}

/** The place of the column nearest to a time, at most `within_s` away; -1 if none is. */
export function nearest(series, at, within_s) {
  const { t } = series;
  const right = placeOf(t, at);
  let best = right;
  if (right === t.length || (right > 0 && at - t[right - 1] < t[right] - at)) best = right - 1;
  if (best < 0 || Math.abs(t[best] - at) > within_s) return -1;
  return best;
}

/**
 * The texts of a text field from `since` to `until`, as [from, to, text].
 *
 * A text holds until the next one, but no longer than its samples come: half of their usual
 * interval behind the last one before a silence, and behind the newest.
 */
export function texts(series, since, until) {
  const { t, changes } = series;
  const reach_s = reachOf(series);
  const first = Math.max(0, placeOf(t, since - reach_s) - 1);
  const last = Math.min(t.length - 1, placeOf(t, until + reach_s));
  const times = changes.map(([at]) => at);
  const found = [];
  for (const [from, to] of unbroken(series, first, last, () => true)) {
    const [begin, end] = [t[from] - reach_s, t[to] + reach_s];
    const inside = placeOf(times, begin);
    for (let i = Math.max(0, inside - 1); i < changes.length && times[i] <= end; i += 1) {
      const held = [Math.max(begin, times[i]), Math.min(end, times[i + 1] ?? end)];
      if (held[1] >= since && held[0] < until && held[1] >= begin) found.push([...held, changes[i][1]]);
    }
  }
  return found;
}

function reachOf(series) {
  const usual_s = usualInterval(series);
  return Number.isFinite(usual_s) ? usual_s / 2 : 0;
}

/** The text of the sample nearest to a time, at most `within_s` away; null if there is none. */
export function textAt(series, at, within_s) {
  const place = nearest(series, at, within_s);
  if (place < 0) return null;
  const until = Math.min(at, series.t[place] + reachOf(series));
  let text = null;
  for (const [since, next] of series.changes) {
    if (since > until) break;
    text = next;
  }
  return text;
}

/** Bounds of a value axis for these extremes, with room above and below. */
export function padded(least, greatest) {
  const span = greatest - least;
  if (span > 0) return [least, greatest];
  const room = Math.abs(least) * 0.01 || 1;
  return [least - room, greatest + room];
}
