/** The live events, kept open: a stream that ends is opened again, and silence is noticed. */

const SILENCE_MS = 40_000; // the feed says something every 15 s: two lost in a row, and some
const PATIENCE_MS = 5_000; // a restart of the agent takes less, and nobody needs to know of it
const SLOWEST_MS = 5_000; // between two tries: one small request to a box in the same shop

export class Stream {
  /** `onEvent` is told each event as it arrives; `onLost` whether contact is lost, once per change, and the last sign of life. */
  constructor(url, onEvent, onLost) {
    this.url = url;
    this.onEvent = onEvent;
    this.onLost = onLost;
    this.lost = false;
    this.heardAt = new Date();
    this.delay = 1_000;
    this.open();
  }

  /** Open the stream, anew if it is open: its reader may have changed. */
  open() {
    this.source?.close();
    clearTimeout(this.retry);
    this.source = new EventSource(this.url);
    for (const name of NAMES) this.source.addEventListener(name, (event) => this.#heard(name, event.data));
    this.source.onerror = () => this.#failed();
    this.#expect(SILENCE_MS);
  }

  #heard(name, data) {
    this.heardAt = new Date();
    this.delay = 1_000;
    this.#expect(SILENCE_MS);
    clearTimeout(this.patience);
    this.patience = undefined;
    this.#tell(false);
    if (data) this.onEvent(name, JSON.parse(data));
  }

  #failed() {
    this.source.close();
    this.patience ??= setTimeout(() => this.#tell(true), PATIENCE_MS);
    clearTimeout(this.silence);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.open(), this.delay);
    this.delay = Math.min(this.delay * 2, SLOWEST_MS);
  }

  #expect(milliseconds) {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      this.#tell(true);
      this.#failed();
    }, milliseconds);
  }

  #tell(lost) {
    if (this.lost === lost) return;
    this.lost = lost;
    this.onLost(lost, this.heardAt);
  }
}

const NAMES = [
  "hello", "heartbeat", "hero", "proof", "link", "devices", "today", "recent", "unread", "box", "profile", "checks",
  "manager",
];
