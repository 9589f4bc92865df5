// The fragment of the address keeps the view: which instance, which fields, which time.

export const DEFAULT = {
  instance: "", fields: [], view: { live: true, span_s: 600 }, utc: true, apart: false,
};

const iso = (at) => new Date(Math.round(at * 1000)).toISOString().replace(".000Z", "Z");

function timeOf(text) {
  if (text === null || text === "") return NaN;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return seconds;
  return Date.parse(text) / 1000;
}

/** The fragment of a view, without "#"; what is as usual is left out. */
export function fragmentOf(shown) {
  const words = new URLSearchParams();
  if (shown.instance) words.set("instance", shown.instance);
  for (const field of shown.fields) words.append("field", field);
  if (!shown.view.live) {
    words.set("since", iso(shown.view.since));
    words.set("until", iso(shown.view.until));
  } else if (shown.view.span_s !== DEFAULT.view.span_s) {
    words.set("span", String(shown.view.span_s));
  }
  if (!shown.utc) words.set("time", "local");
  if (shown.apart) words.set("plots", "apart");
  return words.toString().replaceAll("%3A", ":");
}

/** The view of a fragment; what it does not say, or says wrongly, is as usual. */
export function viewOf(fragment) {
  const words = new URLSearchParams(fragment.replace(/^#/, ""));
  return {
    instance: words.get("instance") ?? "",
    fields: [...new Set(words.getAll("field"))].filter((field) => field !== ""),
    view: timeView(words),
    utc: words.get("time") !== "local",
    apart: words.get("plots") === "apart",
  };
}

function timeView(words) {
  const since = timeOf(words.get("since"));
  const until = timeOf(words.get("until"));
  if (since < until) return { live: false, since, until };
  const span_s = Number(words.get("span"));
  if (span_s > 0 && Number.isFinite(span_s)) return { live: true, span_s };
  return { ...DEFAULT.view };
}
