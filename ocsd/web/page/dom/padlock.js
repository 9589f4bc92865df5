// The padlock: what changes something works for 30 s after it was opened, or after the last use.
import { setAttribute, setText } from "./build.js";

const OPEN_S = 30;

export class Padlock {
  constructor(buttons) {
    this.buttons = buttons;
    this.until = 0;
    this.why = "";
    buttons.forEach((button) => button.addEventListener("click", () => this.toggle()));
    this.show();
  }

  get open() {
    return performance.now() < this.until;
  }

  /** Keep it closed, for a reason; none lets it be opened. */
  forbid(why) {
    if (why === this.why) return;
    this.why = why;
    if (why) this.until = 0;
    this.show();
  }

  toggle() {
    if (this.why) return;
    this.until = this.open ? 0 : performance.now() + OPEN_S * 1000;
    this.show();
  }

  /** Called after each use: 30 s begin anew. */
  used() {
    if (this.open) this.until = performance.now() + OPEN_S * 1000;
  }

  show() {
    clearTimeout(this.timer);
    const { open } = this;
    document.documentElement.classList.toggle("unlocked", open);
    const left_s = Math.ceil((this.until - performance.now()) / 1000);
    for (const button of this.buttons) {
      setAttribute(button, "aria-pressed", open);
      setText(button.querySelector(".shape"), open ? "◇" : "◆");
      setText(button.querySelector(".word"), open ? `Unlocked, ${left_s} s` : this.why || "Unlock to operate");
      button.disabled = Boolean(this.why);
    }
    for (const button of document.querySelectorAll("button[data-changes]")) this.guard(button);
    if (open) this.timer = setTimeout(() => this.show(), 250);
  }

  /** Let a button follow the padlock. */
  guard(button) {
    const disabled = !this.open || button.dataset.busy === "yes";
    if (button.disabled !== disabled) button.disabled = disabled;
  }
}
