// What arrives, kept in order, and waiting for it without sleeping.

const LIMIT_MS = 20_000;

export class Inbox {
  items = [];
  #waiting = new Set();

  push(item) {
    this.items.push(item);
    for (const check of this.#waiting) check();
  }

  /** Waits until `done(items)` is truthy, and returns that. `what` says in the error what never came. */
  until(what, done, limitMs = LIMIT_MS) {
    return new Promise((resolve, reject) => {
      const finish = (settle, value) => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        settle(value);
      };
      const check = () => {
        const found = done(this.items);
        if (found) finish(resolve, found);
      };
      const timer = setTimeout(() => {
        const last = JSON.stringify(this.items.at(-1));
        finish(reject, new Error(`no ${what} in ${limitMs} ms; ${this.items.length} items so far, the last: ${last}`));
      }, limitMs);
      this.#waiting.add(check);
      check();
    });
  }
}
