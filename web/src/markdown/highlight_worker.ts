/** The thread that colours code, so that the page stays responsive meanwhile. */

import { highlightBlock, type ColouredLine, type Highlight } from './highlight';

/** What the page asks for: a piece of a block, or nothing more of it. */
export type Order =
  { block: number; language: string; index: number; code: string } | { block: number; over: true };

export interface Reply {
  block: number;
  /** `null`: it can't be coloured. */
  lines: ColouredLine[] | null;
}

const blocks = new Map<number, Promise<Highlight>>();

self.onmessage = ({ data }: MessageEvent<Order>): void => {
  if ('over' in data) {
    blocks.delete(data.block);
    return;
  }
  const { block, language, index, code } = data;
  const reply = (lines: ColouredLine[] | null): void => {
    self.postMessage({ block, lines } satisfies Reply);
  };
  const highlight = blocks.get(block) ?? highlightBlock(language);
  blocks.set(block, highlight);
  highlight
    .then((colour) => {
      reply(colour(index, code));
    })
    .catch(() => {
      reply(null);
    });
};
