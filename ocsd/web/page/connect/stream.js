// One stream of server-sent events that comes back by itself.
//
// The browser's own EventSource gives up for good after some errors and notices no dead
// connection, so each failure closes it, and a stream that is silent for too long is one.
import { wait } from "../logic/backoff.js";

const SILENCE_MS = 6000;

export class Stream {
  /**
   * `handlers` maps the names of events to functions of their data. `lost` is called when the
   * stream ends; if it returns true, the caller opens another one itself.
   */
  constructor(url, handlers, { opened = () => {}, lost = () => false } = {}) {
    Object.assign(this, { url, handlers, opened, lost });
    this.attempt = 0;
    this.open();
  }

  open() {
    const source = new EventSource(this.url);
    this.source = source;
    this.heard();
    source.onopen = () => this.opened();
    source.onerror = () => this.failed();
    for (const [name, take] of Object.entries(this.handlers)) {
      source.addEventListener(name, (event) => {
        this.attempt = 0;
        this.heard();
        take(JSON.parse(event.data));
      });
    }
    if (!this.handlers.tick) source.addEventListener("tick", () => this.heard());
  }

  heard() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.failed(), SILENCE_MS);
  }

  failed() {
    this.end();
    if (this.lost()) return;
    this.retry = setTimeout(() => this.open(), wait(this.attempt, Math.random()) * 1000);
    this.attempt += 1;
  }

  end() {
    clearTimeout(this.silence);
    clearTimeout(this.retry);
    this.source.close();
  }

  /** Close for good. */
  close() {
    this.lost = () => true;
    this.end();
  }
}
