// The state of the site as the server last told it, and how long ago that was.
import { address, get } from "./api.js";
import { Stream } from "./stream.js";

const HIDDEN_POLL_MS = 10000;
const POLL_MS = 1000;
const PATIENCE_MS = 5000;
// Nothing but a name by which the server counts windows; randomUUID needs https.
const WINDOW = Math.random().toString(36).slice(2);
const STALLED_AFTER_S = 2.5;

export class SiteState {
  constructor() {
    this.state = null;
    this.heardAt = performance.now();
    this.everHeard = false;
    this.isUnanswered = false;
    this.serverAt = Date.now() / 1000;
    this.listeners = { state: [], transition: [] };
    document.addEventListener("visibilitychange", () => this.follow());
    for (const name of ["focus", "blur"]) addEventListener(name, () => this.follow());
    this.follow();
  }

  on(name, take) {
    this.listeners[name].push(take);
  }

  /**
   * Follow the server: by a stream in the window that has the focus, by asking in the others.
   * Browsers allow six connections for all windows of a site together, and a plot needs one.
   */
  follow() {
    this.stream?.close();
    this.stream = null;
    clearInterval(this.poll);
    if (document.hidden || !document.hasFocus()) {
      this.poll = setInterval(() => this.ask(), document.hidden ? HIDDEN_POLL_MS : POLL_MS);
      this.ask();
      return;
    }
    this.stream = new Stream(address("events", { window: WINDOW }), {
      state: (state) => this.take(state),
      transition: (transition) => this.tell("transition", transition),
      tick: ({ at }) => this.hear(at),
    });
  }

  async ask() {
    if (this.asking) return;
    this.asking = true;
    try {
      this.take(await get("state", { window: WINDOW }, AbortSignal.timeout(PATIENCE_MS)));
    } catch {
      this.isUnanswered = true; // it is asked again soon
    }
    this.asking = false;
  }

  take(state) {
    this.hear(state.at);
    this.state = state;
    this.tell("state", state);
  }

  hear(at) {
    this.heardAt = performance.now();
    this.everHeard = true;
    this.isUnanswered = false;
    this.serverAt = at;
  }

  tell(name, what) {
    this.listeners[name].forEach((take) => take(what));
  }

  /** The time of the server [Unix s]. */
  now() {
    return this.serverAt + this.silence_s();
  }

  /** How long the server has told nothing [s]. */
  silence_s() {
    return (performance.now() - this.heardAt) / 1000;
  }

  /**
   * Whether the server should have told something and has not. A hidden window asks seldom, more
   * seldom still if the browser delays its timers, so there only a question without an answer counts.
   */
  isStalled() {
    if (document.hidden) return this.isUnanswered;
    return this.silence_s() > STALLED_AFTER_S;
  }

  /** The age of the oldest part of what is shown of hosts that answer [s]. */
  age_s() {
    const asked = (this.state?.hosts ?? []).filter(({ answers }) => answers);
    const oldest = Math.min(this.serverAt, ...asked.map((host) => host.asked_at ?? this.serverAt));
    return this.now() - oldest;
  }
}
