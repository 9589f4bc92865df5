// The operations of an instance: a form for each, its progress, its session.
import { get, post } from "../connect/api.js";
import { Rows, h, say, setAttribute, setText } from "../dom/build.js";
import { UNTOLD, controlOf, paramsOf, progressOf } from "../logic/forms.js";
import { clock, duration, shortMoment } from "../logic/words.js";

const AGAIN_MS = 1500;
const MESSAGES = 12;

export class Operations {
  constructor(name, site, shown, padlock) {
    Object.assign(this, { name, site, shown, padlock });
    this.said = h("p.quiet", {}, "asking");
    const list = h("ul.operations");
    this.element = h("div", {}, list, this.said);
    this.rows = new Rows(list, ({ name: op, params }) => op + JSON.stringify(params), (each) => new OperationRow(this, each));
    this.timer = setInterval(() => this.ask(), AGAIN_MS);
    this.ask();
  }

  path(op, verb) {
    const parts = ["instances", this.name, "operations", op, verb].filter(Boolean);
    return parts.map(encodeURIComponent).join("/");
  }

  async ask() {
    if (document.hidden || this.asking) return;
    this.asking = true;
    try {
      const { operations } = await get(`instances/${encodeURIComponent(this.name)}/operations`);
      this.toldAt = this.site.now();
      this.element.classList.remove("old");
      this.rows.update(operations);
      setText(this.said, operations.length ? "" : "It has no operations.");
    } catch (error) {
      this.element.classList.add("old");
      const when = this.toldAt ? `; the above is from ${clock(this.toldAt, this.shown.utc)}` : "";
      setText(this.said, error.message + when);
    } finally {
      this.asking = false;
    }
  }

  async act(op, verb, params) {
    this.padlock.used();
    try {
      const answer = await post(this.path(op, verb), { params });
      say(`${this.name}.${op}: ${answer.message}`, answer.status === 0 ? "ok" : "bad");
    } catch (error) {
      say(`${this.name}.${op}: ${verb} failed: ${error.message}`, "bad");
    }
    this.ask();
  }

  close() {
    clearInterval(this.timer);
  }
}

const SHAPES = { running: "●", starting: "◐", stopping: "◑", done: "○" };

class OperationRow {
  constructor(all, operation) {
    Object.assign(this, { all, operation });
    this.shape = h("span.shape", { "aria-hidden": "true" });
    this.state = h("span.op-state");
    this.progress = h("progress", { max: 1, hidden: true, "aria-label": `Progress of ${operation.name}` });
    this.messages = h("ol.messages");
    this.data = h("pre.session-data", { tabIndex: 0, "aria-label": `Session data of ${operation.name}` });
    this.details = h("details", {}, h("summary", {}, "Session, messages, description"),
      h("div.session", {}, this.messages, this.data, h("pre.docstring", {}, operation.docstring || "No description.")));
    this.details.addEventListener("toggle", () => this.update(this.operation));
    this.element = h("li", {},
      h("div.op-head", {}, this.shape, h("strong", {}, operation.name), h("span.quiet", {}, operation.kind), this.state),
      this.progress, this.form(), this.details);
  }

  form() {
    const { operation, all } = this;
    this.controls = (operation.params ?? UNTOLD).map((param) => controlFor(param));
    this.complaint = h("p.complaint", { role: "alert" });
    const button = (verb) => {
      const made = h("button.small", { type: "button", "data-changes": verb, onclick: () => this.act(verb) }, verb);
      setAttribute(made, "aria-label", `${verb} ${operation.name}`);
      all.padlock.guard(made);
      return made;
    };
    // OCS: a process is stopped, a task is aborted.
    this.start = button("start");
    this.end = button(operation.kind === "process" ? "stop" : "abort");
    const labels = this.controls.map(({ element }) => element);
    const form = h("form.op-form", {}, labels, h("span.buttons", {}, this.start, this.end), this.complaint);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.start.disabled) this.act("start");
    });
    return form;
  }

  act(verb) {
    setText(this.complaint, "");
    let params = {};
    if (verb === "start") {
      const read = paramsOf(this.operation.params, this.controls.map(({ input }) => input.value));
      if (read.errors) {
        setText(this.complaint, read.errors.join("; "));
        return;
      }
      params = read.params;
    }
    this.all.act(this.operation.name, verb, params);
  }

  update(operation) {
    this.operation = operation;
    const { session } = operation;
    const status = session?.status ?? "never run";
    const runs = ["running", "starting", "stopping"].includes(status);
    setText(this.shape, SHAPES[status] ?? "·");
    setText(this.state, stateText(session, this.all.site.now(), this.all.shown.utc));
    setAttribute(this.element, "data-tone", toneOf(session));
    this.start.hidden = runs;
    this.end.hidden = !runs || operation.abortable === false;
    this.showProgress(operation, runs);
    if (this.details.open && session) this.showSession(session);
  }

  showProgress({ kind, session }, runs) {
    this.progress.hidden = !(runs && kind === "task");
    if (this.progress.hidden) return;
    const share = progressOf(session);
    if (share === null) this.progress.removeAttribute("value");
    else this.progress.value = share;
  }

  showSession(session) {
    const messages = session.messages.slice(-MESSAGES).map(([at, text]) => `${clock(at, this.all.shown.utc)}  ${text}`);
    setText(this.data, JSON.stringify(session.data ?? null, null, 2));
    if (this.told === messages.join("\n")) return;
    this.told = messages.join("\n");
    this.messages.replaceChildren(...messages.map((text) => h("li", {}, text)));
  }
}

function toneOf(session) {
  if (!session) return "off";
  if (session.status === "done") return session.success === false ? "bad" : "off";
  return session.degraded ? "warning" : "ok";
}

function stateText(session, now, utc) {
  if (!session) return "never run";
  if (session.status !== "done") {
    const word = session.degraded ? `${session.status}, degraded` : session.status;
    return `${word} for ${duration(now - session.start_time)}`;
  }
  const how = session.success === false ? "failed" : "succeeded";
  return `${how} at ${shortMoment(session.end_time ?? session.start_time, now, utc)}`;
}

function controlFor(param) {
  const control = controlOf(param);
  const input = control.control === "choice" ? choiceFor(control) : textFor(control, param);
  const help = param.help ? h("small.quiet", {}, param.help) : null;
  const label = h("label", {}, h("span", {}, param.name, h("small.quiet", {}, ` ${param.type ?? ""}`)), input, help);
  return { element: label, input };
}

function choiceFor({ choices, text, optional }) {
  const options = optional ? ["", ...choices] : choices;
  const select = h("select", {}, options.map((value) => h("option", { value }, value || "as usual")));
  select.value = text || options[0];
  return select;
}

function textFor({ numeric, text, optional }, param) {
  const placeholder = optional ? "as usual" : param.type;
  return h("input", { type: "text", value: text, placeholder, inputMode: numeric ? "decimal" : "text", autocomplete: "off", spellcheck: false });
}
