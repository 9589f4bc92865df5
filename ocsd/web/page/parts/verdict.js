// The first line: the verdict on each host, the clock, and the age of what is shown.
import { Rows, h, setAttribute, setText } from "../dom/build.js";
import { levelShape, siteLevel, wrongOf } from "../logic/states.js";
import { clock, day, duration } from "../logic/words.js";

const $ = (id) => document.getElementById(id);

export class Verdict {
  constructor(site) {
    this.site = site;
    this.rows = new Rows($("verdicts"), ({ host }) => host, createRow);
    this.wasStalled = false;
    site.on("state", (state) => this.update(state));
    setInterval(() => this.tick(), 250);
  }

  update(state) {
    if (!document.hidden) {
      setText($("site-name"), state.site.name);
      const colour = state.site.colour ?? "";
      if (CSS.supports("color", colour)) document.documentElement.style.setProperty("--site", colour);
      this.rows.update(state.hosts);
    }
    this.speak(state);
  }

  /** The title of the tab, and a sentence for screen readers when the level changes. */
  speak(state) {
    const level = siteLevel(state);
    const count = wrongOf(state).length;
    const title = count ? `${levelShape(level)} ${count} wrong · ${state.site.name}` : state.site.name;
    if (document.title !== title) document.title = title;
    setText($("spoken"), `${state.site.name}: ${level}`);
  }

  tick() {
    const stalled = this.site.isStalled();
    if (stalled && this.site.everHeard) document.title = `✕ no answer · ${$("site-name").textContent}`;
    else if (this.wasStalled && this.site.state) this.speak(this.site.state);
    this.wasStalled = stalled;
    if (document.hidden) return;
    this.showClock();
    this.showAge(this.site.silence_s(), stalled);
  }

  showClock() {
    const now = this.site.now();
    setText($("clock"), `${clock(now, true)} UTC`);
    setAttribute($("clock"), "title", day(now, true));
  }

  showAge(silence_s, stalled) {
    const age = $("age");
    document.documentElement.classList.toggle("stalled", stalled);
    if ($("stall").hidden === stalled) $("stall").hidden = !stalled;
    if (!this.site.everHeard) {
      setText(age, "waiting");
      if (stalled) setText($("stall"), "The page's process (web) has not answered yet. This page goes on trying.");
      return;
    }
    if (!stalled) {
      setText(age, `${duration(this.site.age_s())} old`);
      return;
    }
    setText(age, `${duration(silence_s)} old`);
    const since = clock(this.site.serverAt, true);
    setText($("stall"), `The page's process (web) has told nothing since ${since} UTC. All below is from then. `
      + "This page goes on trying; if web stays away, `ocsd status` and `ocsd why web` say why.");
  }
}

function createRow() {
  const shape = h("span.shape", { "aria-hidden": "true" });
  const text = h("span.verdict");
  const reason = h("span.quiet");
  const element = h("li", {}, shape, text, reason);
  return {
    element,
    update({ level, verdict, answers, reason: why }) {
      setText(shape, levelShape(level));
      setAttribute(element, "data-tone", level);
      setText(text, verdict);
      setText(reason, answers || verdict.includes(why) ? "" : why);
    },
  };
}
