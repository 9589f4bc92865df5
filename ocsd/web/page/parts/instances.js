// The table of all instances, the worst first.
import { changeButtons } from "./change.js";
import { Rates } from "./rates.js";
import { Rows, h, setAttribute, setText } from "../dom/build.js";
import { instancesOf, look, matches, operationText, worstFirst } from "../logic/states.js";
import { bytes, duration, number, percent } from "../logic/words.js";

const $ = (id) => document.getElementById(id);
const COLUMNS = ["state", "instance", "reason", "target", "health", "uptime", "restarts", "cpu", "memory",
  "operations", "sample", "rate", "change"];
const NUMBERS = new Set(["uptime", "restarts", "cpu", "memory", "sample"]);

export class Instances {
  constructor(site, shown, padlock) {
    Object.assign(this, { site, shown, padlock });
    this.rates = new Rates(site);
    this.rows = new Rows($("rows"), ({ host, instance_id: id }) => `${host}/${id}`, () => this.createRow());
    site.on("state", () => this.update());
    shown.on(() => this.update());
    $("filter").addEventListener("input", () => this.update());
  }

  update() {
    if (document.hidden || !this.site.state) return;
    const all = instancesOf(this.site.state);
    const wanted = worstFirst(all.filter((each) => matches(each, $("filter").value)));
    this.rows.update(wanted);
    const count = wanted.length === all.length ? `${all.length}` : `${wanted.length} of ${all.length}`;
    setText($("shown"), count);
    this.rates.follow(all);
  }

  /** Give the focus to the row below (1) or above (-1) the present one. */
  step(direction) {
    const buttons = [...$("rows").querySelectorAll(".open")];
    const present = buttons.indexOf(document.activeElement?.closest("tr")?.querySelector(".open"));
    const next = Math.min(buttons.length - 1, Math.max(0, present + direction));
    buttons[next]?.focus();
  }

  createRow() {
    const cells = Object.fromEntries(COLUMNS.map((name) => [name, cell(name)]));
    const shape = h("span.shape", { "aria-hidden": "true" });
    const word = h("span");
    cells.state.append(shape, " ", word);
    const open = h("button.link.open", { type: "button", onclick: () => this.shown.set({ instance: open.textContent }) });
    const kind = h("span.quiet");
    cells.instance.append(open, " ", kind);
    const spark = this.rates.draw();
    cells.rate.append(spark.element);
    const buttons = changeButtons(this.padlock, () => open.textContent);
    cells.change.append(...buttons.elements);
    const element = h("tr", { role: "row" }, Object.values(cells));
    return {
      element,
      update: (row) => {
        const { tone, shape: drawn } = look(row);
        setAttribute(element, "data-tone", row.answers ? tone : "unknown");
        setAttribute(element, "aria-current", row.instance_id === this.shown.instance ? "true" : null);
        setText(shape, drawn);
        setText(word, row.state);
        setText(open, row.instance_id);
        setText(kind, kindText(row, this.site.state.hosts.length));
        this.fill(cells, row);
        buttons.update(row);
        spark.update(row.instance_id);
      },
    };
  }

  fill(cells, row) {
    const passed_s = Math.max(0, this.site.now() - (row.told_at ?? this.site.state.at));
    const since = (seconds) => (typeof seconds === "number" ? duration(seconds + passed_s) : "–");
    setText(cells.reason, row.reason || "");
    setAttribute(cells.reason, "title", row.reason || null);
    setText(cells.target, row.target);
    setText(cells.health, row.health ?? "–");
    setText(cells.uptime, since(row.uptime_s));
    setText(cells.restarts, number(row.restarts));
    setText(cells.cpu, percent(row.cpu_percent));
    setText(cells.memory, bytes(row.rss_bytes));
    setText(cells.operations, operationText(row.operations));
    setText(cells.sample, since(row.sample_age_s));
  }
}

function kindText({ agent_class: kind, host }, hosts) {
  if (hosts > 1) return `${kind} on ${host}`;
  return kind;
}

const LABELS = {
  uptime: "up", restarts: "restarts", cpu: "CPU", memory: "memory", operations: "operations",
  sample: "sample", target: "target", health: "health", rate: "rate",
};

function cell(name) {
  const classes = NUMBERS.has(name) ? `td.n.c-${name}` : `td.c-${name}`;
  return h(classes, { role: "cell", "data-label": LABELS[name] ?? null });
}
