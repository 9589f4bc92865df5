// Times, ages, numbers and sizes in words. Times are Unix seconds; `utc` false means local time.

const two = (number) => String(number).padStart(2, "0");

/** The parts of a moment, in UTC or in the local time of the browser. */
export function partsOf(at, utc) {
  const date = new Date(at * 1000);
  if (utc) {
    return {
      year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(),
      hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds(),
      milli: date.getUTCMilliseconds(),
    };
  }
  return {
    year: date.getFullYear(), month: date.getMonth() + 1, day: date.getDate(),
    hour: date.getHours(), minute: date.getMinutes(), second: date.getSeconds(),
    milli: date.getMilliseconds(),
  };
}

/** "13:45:12", with `digits` decimals of the second. */
export function clock(at, utc, digits = 0) {
  const { hour, minute, second, milli } = partsOf(at, utc);
  const text = `${two(hour)}:${two(minute)}:${two(second)}`;
  if (digits === 0) return text;
  return `${text}.${String(milli).padStart(3, "0").slice(0, digits)}`;
}

/** "2026-11-29". */
export function day(at, utc) {
  const { year, month, day: date } = partsOf(at, utc);
  return `${year}-${two(month)}-${two(date)}`;
}

/** "2026-11-29 13:45:12", with decimals for spans below a minute. */
export function moment(at, utc, digits = 0) {
  return `${day(at, utc)} ${clock(at, utc, digits)}`;
}

/** The time that a text such as "2026-11-29 13:45" means; NaN if it means none. */
export function typedTime(text, utc) {
  const found = /^(\d{4}-\d\d-\d\d)(?:[ T]+(\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?\s*Z?$/.exec(text.trim());
  if (!found) return NaN;
  const [, date, time = "00:00"] = found;
  return Date.parse(`${date}T${time}${utc ? "Z" : ""}`) / 1000;
}

/** The time alone if it is of the same day as `now`, else day and time. */
export function shortMoment(at, now, utc) {
  if (day(at, utc) === day(now, utc)) return clock(at, utc);
  return moment(at, utc);
}

const STEPS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

/** A duration in its two largest units: "0.4 s", "12 s", "3 min 20 s", "9 d 4 h". */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const positive = Math.max(0, seconds);
  if (positive < 9.95) return `${positive.toFixed(1)} s`;
  const whole = Math.round(positive);
  const first = STEPS.findIndex(([size]) => whole >= size);
  const [size, unit] = STEPS[first];
  const count = Math.floor(whole / size);
  if (first === STEPS.length - 1) return `${count} ${unit}`;
  const [smaller, smallerUnit] = STEPS[first + 1];
  const rest = Math.floor((whole - count * size) / smaller);
  if (rest === 0) return `${count} ${unit}`;
  return `${count} ${unit} ${rest} ${smallerUnit}`;
}

/** A number with six significant digits, or a dash for none (NaN and infinities are none). */
export function number(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (!Number.isFinite(value)) return "–";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value).replace("-", "−");
  const size = Math.abs(value);
  let text = value.toPrecision(6);
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) text = value.toExponential(4);
  return text.replace("-", "−");
}

/** The text of a tick of a value axis: all ticks have the decimals that their distance needs. */
export function tickValue(value, increment) {
  const size = Math.abs(value);
  if (size >= 1e7 || (increment < 1e-5 && size < 1e-2)) return number(Number(value.toPrecision(6)));
  const decimals = Math.max(0, Math.ceil(-Math.log10(increment) - 1e-9));
  const fraction = increment * 10 ** decimals;
  const more = Math.abs(fraction - Math.round(fraction)) > 1e-6 ? 1 : 0;
  return value.toFixed(Math.min(12, decimals + more)).replace("-", "−");
}

/** A count with thin spaces: "31 536 000". */
export function count(value) {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

/** A size in decimal units: "57 MB". */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let size = value;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  if (unit === 0 || size >= 99.5) return `${Math.round(size)} ${units[unit]}`;
  return `${size.toFixed(1)} ${units[unit]}`;
}

/** A share of one processor: "3.2 %". */
export function percent(value) {
  if (value === null || value === undefined) return "–";
  return `${value.toFixed(1)} %`;
}

/** A rate of samples: "4.0 Hz". */
export function rate(value_hz) {
  if (!value_hz) return "–";
  if (value_hz >= 100) return `${value_hz.toFixed(0)} Hz`;
  if (value_hz >= 1) return `${value_hz.toFixed(1)} Hz`;
  return `${(value_hz * 60).toFixed(1)} /min`;
}

/** The texts below the ticks of a time axis; the day stands below the first of each day. */
export function ticks(splits, increment_s, utc) {
  let last = "";
  return splits.map((at) => {
    const today = day(at, utc);
    const isNew = today !== last;
    last = today;
    if (increment_s >= 86400 * 27) return today.slice(0, 7);
    if (increment_s >= 86400) return today;
    const text = tick(at, increment_s, utc);
    if (isNew) return `${text}\n${today}`;
    return text;
  });
}

function tick(at, increment_s, utc) {
  if (increment_s < 1) return clock(at, utc, 3);
  if (increment_s < 60) return clock(at, utc);
  return clock(at, utc).slice(0, 5);
}
