/** An answer's Markdown. Blocks that are finished are rendered once, however long the answer grows after them. */

import { memo, useState, type ReactNode } from 'react';

import { GrowingMarkdown, type Block } from './blocks';
import { element } from './elements';

export function Markdown({ text, growing }: { text: string; growing: boolean }): ReactNode {
  // A cache: the same text gives the same blocks, however often it is asked.
  const [markdown] = useState(() => new GrowingMarkdown());
  const blocks = markdown.update(text, growing);
  const all = [...blocks.finished, ...blocks.growing];
  return (
    <div className={growing ? 'markdown growing' : 'markdown'}>
      {all.map((block, index) => (
        <BlockElement key={index} block={block} />
      ))}
    </div>
  );
}

const BlockElement = memo(
  ({ block }: { block: Block }): ReactNode => element(block.token),
  (before, after) => before.block === after.block || before.block.source === after.block.source,
);
BlockElement.displayName = 'BlockElement';
