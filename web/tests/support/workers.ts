/** Workers in the test's own thread: what is posted to one is copied, as it is between threads. */

import { vi } from 'vitest';

/** `load` imports the worker's module, whichever worker is asked for. Returns how to end it. */
export function workersHere(load: () => Promise<unknown>): () => void {
  const started: InThread[] = [];
  class InThread {
    onmessage: ((event: { data: unknown }) => void) | null = null;
    readonly #loaded = load();

    constructor() {
      started.push(this);
    }

    postMessage(data: unknown): void {
      void this.#loaded.then(() => {
        const { onmessage } = globalThis as unknown as Pick<InThread, 'onmessage'>;
        onmessage?.({ data: structuredClone(data) });
      });
    }
  }
  vi.stubGlobal('Worker', InThread);
  // What the worker itself says.
  vi.stubGlobal('postMessage', (data: unknown) => {
    for (const worker of started) worker.onmessage?.({ data: structuredClone(data) });
  });
  return () => {
    vi.unstubAllGlobals();
  };
}
