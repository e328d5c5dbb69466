/** A block of code and the worker that colours it, one piece after another. */

import type { ColouredLine } from './highlight';
import type { Order, Reply } from './highlight_worker';
import HighlightWorker from './highlight_worker?worker';

export interface Colouring {
  /** The piece in colours; `null` if there are none to be had. Ask for one piece at a time. */
  colour(index: number, code: string): Promise<ColouredLine[] | null>;
  /** Nothing more of this block is wanted. */
  close(): void;
}

/** One for all blocks: languages and themes are loaded once. */
let worker: Worker | undefined;
const asked = new Map<number, (lines: ColouredLine[] | null) => void>();
let blocks = 0;

export function openColouring(language: string): Colouring {
  let block: number | undefined;
  return {
    colour(index, code) {
      block ??= blocks += 1;
      const order = { block, language, index, code };
      return new Promise((resolve) => {
        asked.set(order.block, resolve);
        send(order);
      });
    },
    close() {
      if (block === undefined) return;
      asked.delete(block);
      send({ block, over: true });
      block = undefined;
    },
  };
}

function send(order: Order): void {
  worker ??= start();
  worker.postMessage(order);
}

function start(): Worker {
  const started = new HighlightWorker();
  started.onmessage = ({ data: { block, lines } }: MessageEvent<Reply>) => {
    asked.get(block)?.(lines);
    asked.delete(block);
  };
  // It could not be loaded. Without colours the code is as good as before.
  started.onerror = () => {
    for (const answer of asked.values()) answer(null);
    asked.clear();
  };
  return started;
}
