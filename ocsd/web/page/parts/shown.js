// What the reader has chosen to see; kept in the fragment of the address.
import { fragmentOf, viewOf } from "../logic/link.js";

export class Shown {
  constructor() {
    this.listeners = [];
    Object.assign(this, viewOf(location.hash));
    addEventListener("popstate", () => this.read());
    addEventListener("hashchange", () => this.read());
  }

  on(take) {
    this.listeners.push(take);
  }

  /** Change a part; `keep` makes an entry for the browser's Back. */
  set(part, keep = true) {
    Object.assign(this, part);
    const fragment = fragmentOf(this);
    if (fragment !== location.hash.slice(1)) {
      const url = `${location.pathname}${location.search}#${fragment}`;
      if (keep) history.pushState(null, "", url);
      else history.replaceState(null, "", url);
    }
    this.tell(part);
  }

  read() {
    if (fragmentOf(viewOf(location.hash)) === fragmentOf(this)) return;
    const part = viewOf(location.hash);
    Object.assign(this, part);
    this.tell(part);
  }

  tell(part) {
    this.listeners.forEach((take) => take(part));
  }
}
