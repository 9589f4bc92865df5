// What is wrong, first: each with its reason, since when, and what to do. The rest is a number.
import { Rows, h, setText } from "../dom/build.js";
import { wellOf, wrongOf } from "../logic/states.js";
import { duration, shortMoment } from "../logic/words.js";

const $ = (id) => document.getElementById(id);

export class Wrong {
  constructor(site, shown) {
    Object.assign(this, { site, shown });
    this.rows = new Rows($("wrong-list"), keyOf, () => this.createRow());
    this.well = new Rows($("well-list"), ({ host, instance_id: id }) => `${host}/${id}`, () => this.createChip());
    site.on("state", (state) => this.update(state));
    $("well").addEventListener("toggle", () => site.state && this.update(site.state));
  }

  update(state) {
    if (document.hidden) return;
    const wrong = wrongOf(state);
    this.rows.update(wrong);
    $("wrong").classList.toggle("none", wrong.length === 0);
    setText($("wrong-title"), wrong.length ? `What is wrong: ${wrong.length}` : "Nothing is wrong");
    const well = wellOf(state);
    setText($("well-count"), `${well.length} ok`);
    if ($("well").open) this.well.update(well);
  }

  createRow() {
    const what = h("strong");
    const link = h("button.link", { type: "button", onclick: () => this.shown.set({ instance: link.textContent }) });
    const reason = h("span.reason");
    const since = h("span.since");
    const remedy = h("span.remedy");
    const body = h("div", {}, h("p", {}, link, what, since), h("p", {}, reason), remedy);
    const element = h("li", {}, h("span.shape", { "aria-hidden": "true" }, "✕"), body);
    return {
      element,
      update: (item) => {
        setText(link, item.instance_id ?? "");
        link.hidden = !item.instance_id;
        setText(what, withoutName(item));
        setText(reason, item.reason ?? "");
        setText(since, this.sinceText(item));
        setText(remedy, item.remedy ? `→ ${item.remedy}` : "");
      },
    };
  }

  sinceText({ since_at: since, host }) {
    const several = this.site.state.hosts.length > 1;
    const where = several ? `on ${host}` : "";
    if (!since) return where;
    const now = this.site.now();
    return `${where} since ${shortMoment(since, now, this.shown.utc)}, ${duration(now - since)}`.trim();
  }

  createChip() {
    const button = h("button.link", { type: "button", onclick: () => this.shown.set({ instance: button.textContent }) });
    return { element: h("li", {}, button), update: ({ instance_id: id }) => setText(button, id) };
  }
}

/** "web is degraded" without the name, which is a link before it. */
function withoutName({ what, instance_id: id }) {
  if (id && what.startsWith(id)) return what.slice(id.length).trim();
  return what;
}

const keyOf = ({ host, instance_id: id, what, since_at: since }) => JSON.stringify([host, id, what, since]);
