// The alarms of the host: those that need somebody first; acknowledge, silence, and their plot.
import { get, post } from "../connect/api.js";
import { Rows, h, say, setAttribute, setText } from "../dom/build.js";
import { alarmFacts, alarmLook, alarmsFirst, bannerText, deliveryText, fieldOf, isField, isOpen, isSilenced, spanAround }
  from "../logic/alarms.js";

const $ = (id) => document.getElementById(id);
const AGAIN_S = 10;
const SILENCES = [[3600, "1 h"], [43200, "12 h"]];

export class Alarms {
  constructor(site, shown, padlock) {
    Object.assign(this, { site, shown, padlock, alarms: [], counts: "", askedAt: 0 });
    this.rows = new Rows($("alarm-list"), ({ name }) => name, (alarm) => this.createRow(alarm));
    this.clear = new Rows($("clear-list"), ({ name }) => name, createChip);
    this.deliveries = new Rows($("delivery-list"), deliveryText, createLine);
    site.on("state", (state) => this.follow(state));
    shown.on((part) => "utc" in part && this.draw());
  }

  /** Ask again when the numbers in the status have changed, and now and then. */
  follow({ hosts }) {
    const counts = hosts[0]?.status?.alarms;
    for (const id of ["alarms", "alarms-link"]) $(id).hidden = !counts;
    if (!counts) {
      $("raised").hidden = true;
      return;
    }
    const told = JSON.stringify(counts);
    const isOld = this.site.now() - this.askedAt > AGAIN_S;
    if (told !== this.counts || (isOld && !document.hidden)) this.ask(told);
    else this.draw();
  }

  async ask(counts) {
    this.counts = counts;
    this.askedAt = this.site.now();
    try {
      this.answer = await get("alarms");
      setText($("alarms-said"), troubleOf(this.answer));
    } catch (error) {
      setText($("alarms-said"), error.message);
    }
    this.draw();
  }

  draw() {
    if (!this.answer) return;
    const now = this.site.now();
    const { alarms, deliveries } = this.answer;
    const banner = bannerText(alarms, now);
    setText($("raised").querySelector("a"), banner);
    $("raised").hidden = !banner;
    const sorted = alarmsFirst(alarms, now);
    const clear = sorted.filter(({ state }) => state === "clear");
    this.rows.update(sorted.filter(({ state, silenced_until: until }) => state !== "clear" || until > now));
    this.clear.update(clear);
    setText($("clear-count"), `${clear.length} clear`);
    this.deliveries.update(deliveries.filter((each) => isOpen(each, now)));
  }

  createRow({ name }) {
    const shape = h("span.shape", { "aria-hidden": "true" });
    const facts = h("span.quiet");
    const text = h("span.reason");
    const condition = h("code.quiet");
    const plot = h("button.link", { type: "button", "aria-label": `plot of ${name}`, onclick: () => this.plot(name) }, "plot");
    const ack = this.button("ack", name, "Acknowledge", {});
    const silences = SILENCES.map(([for_s, label]) => this.button("silence", name, `Silence ${label}`, { for_s }));
    const unsilence = this.button("unsilence", name, "End the silence", {});
    const element = h("li", {}, shape,
      h("div", {}, h("p", {}, h("strong", {}, name), " ", facts), h("p", {}, text, " ", condition, " ", plot)),
      h("span.buttons", {}, ack, silences, unsilence));
    return {
      element,
      update: (alarm) => {
        const now = this.site.now();
        const { shape: drawn, tone } = alarmLook(alarm, now);
        setAttribute(element, "data-tone", tone);
        setText(shape, drawn);
        setText(facts, alarmFacts(alarm, now, this.shown.utc));
        setText(text, alarm.text ?? "");
        setText(condition, alarm.when === alarm.text ? "" : alarm.when ?? "");
        plot.hidden = !fieldOf(alarm.when);
        ack.hidden = alarm.state !== "raised" || Boolean(alarm.acknowledged_by);
        unsilence.hidden = !isSilenced(alarm, now);
      },
    };
  }

  /** A button that asks for a change; the padlock guards it. */
  button(verb, name, label, body) {
    const made = h("button.small", { type: "button", "data-changes": verb, "aria-label": `${label}: ${name}`,
      onclick: () => this.request(made, verb, name, label, body) }, label);
    this.padlock.guard(made);
    return made;
  }

  async request(made, verb, name, label, body) {
    this.padlock.used();
    made.dataset.busy = "yes";
    this.padlock.guard(made);
    try {
      await post(`alarms/${verb}`, { name, ...body });
      say(`${name}: ${label.toLowerCase()}: done`);
    } catch (error) {
      say(`${name}: ${label.toLowerCase()} failed: ${error.message}`, "bad");
    }
    made.dataset.busy = "";
    this.padlock.guard(made);
    await this.ask(this.counts);
  }

  /** Show the field of an alarm at its time. */
  async plot(name) {
    const alarm = this.answer.alarms.find((each) => each.name === name);
    const wanted = fieldOf(alarm.when);
    const { fields } = await get("fields", { search: wanted.replaceAll(".", " ") });
    const found = fields.find(({ field }) => isField(field, wanted));
    if (!found) {
      say(`${wanted}: no such field is recorded`, "warning");
      return;
    }
    this.shown.set({ fields: [found.field], view: spanAround(alarm, this.site.now()) });
    $("data").scrollIntoView({ block: "start" });
    $("data").focus({ preventScroll: true });
  }
}

function troubleOf({ evaluator }) {
  return evaluator === "running" ? "" : `Alarms are not judged now: ${evaluator}`;
}

function createChip() {
  const element = h("li");
  return { element, update: ({ name }) => setText(element, name) };
}

function createLine() {
  const element = h("li");
  return { element, update: (delivery) => setText(element, `Not delivered to ${deliveryText(delivery)}`) };
}
