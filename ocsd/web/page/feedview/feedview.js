// The page of a feed viewer: draws what GET samples answers, once a second.
import uPlot from "../vendor/uplot/uPlot.esm.js";

const PERIOD_MS = 1000;
const STALLED_MS = 3000;
// Okabe and Ito: distinct for colour-blind eyes too.
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const DASHES = [[], [6, 3], [2, 3]];

const byId = (id) => document.getElementById(id);
let plot = null;
let plotted = "";
let answeredAt = performance.now();

function say(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}

function age(seconds) {
  if (seconds < 1) return "now";
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

function title(name, field) {
  const label = field.label ? `${name} (${field.label})` : name;
  return field.units ? `${label} [${field.units}]` : label;
}

function shown(value) {
  if (value === null) return "NaN";
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : value;
}

// The samples of all fields on one axis of time, as uPlot wants them.
function joined(numbers) {
  if (numbers.length === 0) return [[]];
  const tables = numbers.map(([, field]) => [field.t, field.v]);
  // A null breaks the line of its own field only, also where other fields have samples.
  return uPlot.join(tables, tables.map(() => [0, 2]));
}

// UTC, as everywhere in ocsd.
function clock(seconds, step) {
  const text = new Date(seconds * 1000).toISOString();
  return step < 60 ? text.slice(11, 19) : text.slice(11, 16);
}

function draw(numbers) {
  const data = joined(numbers);
  const titles = numbers.map(([name, field]) => title(name, field));
  const place = byId("plot");
  const key = JSON.stringify(titles);
  if (plot !== null && key === plotted) {
    const { min, max } = plot.scales.x;
    const all = plot.data[0];
    const zoomed = all.length > 0 && (min > all[0] || max < all[all.length - 1]);
    plot.setData(data, !zoomed);
    return;
  }
  if (plot !== null) plot.destroy();
  plotted = key;
  const units = new Set(numbers.map(([, field]) => field.units));
  const ink = getComputedStyle(document.body).color;
  const axis = { stroke: ink, grid: { stroke: "#8884" }, ticks: { stroke: "#8884" } };
  plot = new uPlot({
    width: place.clientWidth || 600,
    height: 360,
    tzDate: (t) => uPlot.tzDate(new Date(t * 1e3), "Etc/UTC"),
    legend: { markers: { dash: (_plot, index) => (index > COLOURS.length ? "dashed" : "solid") } },
    axes: [{
      ...axis,
      space: 80,
      values: (_plot, splits) => splits.map((at) => clock(at, splits[1] - splits[0])),
    }, { ...axis, label: units.size === 1 ? [...units][0] : "", size: 70 }],
    series: [
      { label: "time (UTC)", value: (_plot, at) => (at === null ? "--" : clock(at, 1)) },
      ...titles.map((label, number) => ({
        label,
        stroke: COLOURS[number % COLOURS.length],
        dash: DASHES[Math.floor(number / COLOURS.length) % DASHES.length],
        width: 1.5,
      })),
    ],
  }, data, place);
}

function list(fields, now) {
  const rows = Object.entries(fields).map(([name, field]) => {
    const row = document.createElement("tr");
    const last = field.t.length - 1;
    const cells = [field.label ? `${name} (${field.label})` : name, shown(field.v[last]),
      field.units, age(now - field.t[last])];
    cells.forEach((text, number) => {
      const cell = document.createElement("td");
      cell.textContent = text;
      if (number === 1) cell.className = "number";
      row.append(cell);
    });
    return row;
  });
  byId("values").replaceChildren(...rows);
}

function show(answer) {
  document.title = answer.name;
  say("name", answer.name);
  say("description", answer.description);
  const kept = `keeps the last ${age(answer.buffer_time_s)} of ${answer.feed}`;
  const short = answer.short_of_memory ? `; memory is short, so it reaches back ${age(answer.reach_s)}` : "";
  const more = answer.fields_left_out ? `; ${answer.fields_left_out} more fields are not shown` : "";
  say("facts", kept + short + more);
  const refused = answer.refused ? `a message could not be used: ${answer.refused}` : "";
  say("missing", answer.missing || refused);
  draw(Object.entries(answer.fields).filter(([, field]) => !field.text));
  list(answer.fields, answer.at);
}

async function renew() {
  if (document.hidden) {
    setTimeout(renew, PERIOD_MS);
    return;
  }
  try {
    const response = await fetch("samples", { signal: AbortSignal.timeout(STALLED_MS) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const answer = await response.json();
    answeredAt = performance.now();
    show(answer);
  } catch {
    const away = (performance.now() - answeredAt) / 1000;
    say("missing", `the feed viewer has not answered for ${Math.round(away)} s; this is what it had`);
  }
  setTimeout(renew, PERIOD_MS);
}

new ResizeObserver(() => {
  if (plot !== null) plot.setSize({ width: byId("plot").clientWidth, height: 360 });
}).observe(byId("plot"));
renew();
