// The stretch of time that the plots show: {live: true, span_s} follows the newest sample,
// {live: false, since, until} stands still.

export const PRESETS = [
  [60, "1 min"], [600, "10 min"], [3600, "1 h"], [6 * 3600, "6 h"], [86400, "1 d"],
  [7 * 86400, "7 d"], [30 * 86400, "30 d"], [365 * 86400, "1 y"],
];
export const SHORTEST_S = 0.2;
export const LONGEST_S = 50 * 365.25 * 86400;

const clamp = (span_s) => Math.min(LONGEST_S, Math.max(SHORTEST_S, span_s));

/** A view that follows the newest sample. */
export const live = (span_s) => ({ live: true, span_s: clamp(span_s) });

/** A view that stands still; it ends at `now` at the latest. */
export function fixed(since, until, now) {
  const span_s = clamp(until - since);
  const end = Math.min(until, now);
  return { live: false, since: end - span_s, until: end };
}

/** Begin and end of a view. */
export function resolved(view, now) {
  if (view.live) return { since: now - view.span_s, until: now };
  return { since: view.since, until: view.until };
}

/** Move by a share of the span; a view that is moved to the present becomes live. */
export function moved(view, share, now) {
  const { since, until } = resolved(view, now);
  const shift = (until - since) * share;
  if (until + shift >= now) return live(until - since);
  return fixed(since + shift, until + shift, now);
}

/** Make the span longer or shorter around a time; a live view stays live. */
export function zoomed(view, factor, now, around = null) {
  const { since, until } = resolved(view, now);
  if (view.live && around === null) return live((until - since) * factor);
  const centre = around ?? (since + until) / 2;
  return fixed(centre - (centre - since) * factor, centre + (until - centre) * factor, now);
}

/**
 * The step of live columns for a span that is `width` pixels wide: a power of two [s], because
 * these divide Unix times without rounding; at most 8 s, because live columns begin at a whole
 * step, and until then the window is asked again.
 */
export function stepFor(span_s, width) {
  return 2 ** Math.min(3, Math.max(-4, Math.floor(Math.log2(span_s / width))));
}

const CLOSEST_PX = 10;

/** What two fingers have done, each {clientX, clientY}: the factor of the span, and their middle. */
export function pinch(before, after) {
  const apart = ([one, other]) =>
    Math.max(CLOSEST_PX, Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY));
  return { factor: apart(before) / apart(after), middle: (after[0].clientX + after[1].clientX) / 2 };
}
