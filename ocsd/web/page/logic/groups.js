// Which fields share a plot, and how each line looks.

export const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
export const COLOURS = 6;

/** The look of the field in this place: a colour, then dashes when the colours are used up. */
export function styleOf(place) {
  return { colour: place % COLOURS, dash: DASHES[Math.floor(place / COLOURS) % DASHES.length] };
}

/** The feed of a field. */
export const feedOf = (field) => field.slice(0, field.lastIndexOf("."));

/** A field without the root of the address: "thermo1.temps.channel_00". */
export const shortOf = (field) => field.replace(/^[^.]+\.([^.]+)\.feeds\./, "$1.");

/**
 * Plots for the fields: numbers with the same units together, or each alone; each text alone.
 *
 * A field whose series is not known yet has no plot.
 * Returns a list of {key, isText, units, fields: [{field, style}]}.
 */
export function plotsOf(fields, seriesOf, apart) {
  const plots = new Map();
  fields.forEach((field, place) => {
    const series = seriesOf(field);
    if (!series) return;
    const isText = Boolean(series.changes);
    const units = series.units;
    const key = apart || isText ? field : `units ${units}`;
    if (!plots.has(key)) plots.set(key, { key, isText, units, fields: [] });
    plots.get(key).fields.push({ field, style: styleOf(place) });
  });
  return [...plots.values()];
}
