/** An answer's Markdown as elements: the part of it that is loaded when the first answer is shown. */

import type { Tokens } from 'marked';
import { useEffect, useId, useMemo, useState, type ReactNode } from 'react';

import { GrowingMarkdown, type Block, type Kind } from './blocks';
import { withoutMarks } from './citations';
import { CodeBlock } from './CodeBlock';
import { Diagram } from './Diagram';
import { directionOf } from './direction';
import { Table } from './elements';
import { Footnotes } from './Footnotes';
import { NotesContext } from './notes';
import { Piece } from './Piece';
import type { MathState } from './plugins';
import { references, type References } from './references';

/** So many characters are rendered at once; the rest of a long answer follows, one task after another. */
const AT_ONCE = 2_000;

export default function Rendered(answer: { text: string; growing: boolean }): ReactNode {
  const { text, growing } = useGradual(answer.text, answer.growing);
  // A cache: the same text gives the same blocks, however often it is asked.
  const [markdown] = useState(() => new GrowingMarkdown());
  const prefix = useId();
  const math = useMath(text);
  const { finished, growing: unfinished } = markdown.update(text, growing);
  const all = [...finished, ...unfinished];
  const known = references(all, growing);
  const numbers = [...known.numbers.keys()].join(' ');
  const notes = useMemo(
    () => ({
      prefix,
      numbers: new Map(
        numbers
          .split(' ')
          .filter(Boolean)
          .map((label, index) => [label, index + 1]),
      ),
    }),
    [prefix, numbers],
  );
  return (
    <NotesContext.Provider value={notes}>
      <div className={growing ? 'markdown growing' : 'markdown'}>
        {groups(all).map((group) => (
          <Group
            key={`${group.at} ${group.kind}`}
            group={group}
            known={known}
            math={math}
            over={!growing || group.at + group.blocks.length < all.length}
          />
        ))}
        {known.notes.length > 0 && <Footnotes notes={known.notes} math={math} />}
      </div>
    </NotesContext.Provider>
  );
}

/** The pieces of one block. */
interface Pieces {
  kind: Kind;
  /** The place of the first among all. */
  at: number;
  blocks: Block[];
}

function groups(blocks: readonly Block[]): Pieces[] {
  const found: Pieces[] = [];
  for (const [at, block] of blocks.entries()) {
    const last = found.at(-1);
    const inContainer = block.kind === 'list' || block.kind === 'table' || block.kind === 'code';
    if (block.continues && inContainer && last?.kind === block.kind) last.blocks.push(block);
    else found.push({ kind: block.kind, at, blocks: [block] });
  }
  return found;
}

interface GroupProps {
  group: Pieces;
  known: References;
  math: MathState;
  /** Nothing is added to it any more. */
  over: boolean;
}

function Group({ group: { kind, blocks }, known, math, over }: GroupProps): ReactNode {
  const first = blocks[0];
  if (!first || kind === 'def' || kind === 'footnote') return null;
  const pieces = (part: Kind): ReactNode =>
    blocks.map((block, index) => (
      <Piece
        key={index}
        part={part}
        source={known.resolve(block)}
        math={math}
        within={block.within}
      />
    ));
  switch (kind) {
    case 'list': {
      const { ordered, start } = first.token as Tokens.List;
      const dir = directionOf(first.source);
      if (!ordered) return <ul dir={dir}>{pieces('list')}</ul>;
      return (
        <ol dir={dir} start={start === '' ? undefined : start}>
          {pieces('list')}
        </ol>
      );
    }
    case 'table': {
      const head = first.source.split('\n', 2).join('\n');
      return (
        <Table dir={directionOf(first.source)}>
          <thead>
            <Piece part="head" source={known.resolve({ ...first, source: head })} math={math} />
          </thead>
          <tbody>{pieces('table')}</tbody>
        </Table>
      );
    }
    case 'code': {
      const codes = blocks.map(({ token }) => withoutMarks((token as Tokens.Code).text));
      const language = (first.token as Tokens.Code).lang ?? '';
      const isDiagram = language.split(/\s/, 1)[0] === 'mermaid';
      if (isDiagram && over) return <Diagram source={codes.join('\n')} />;
      return <CodeBlock pieces={codes} language={language} />;
    }
    case 'continued':
      return <div className={first.continues ? 'continued' : 'cut'}>{pieces('continued')}</div>;
    default:
      return pieces('flow');
  }
}

/** The text as far as it is shown: more of it with each task, until all is there. */
function useGradual(text: string, growing: boolean): { text: string; growing: boolean } {
  const [limit, setLimit] = useState(AT_ONCE);
  const behind = limit < text.length;
  useEffect(() => {
    if (!behind) return undefined;
    const timer = setTimeout(() => {
      setLimit(limit + AT_ONCE);
    });
    return () => {
      clearTimeout(timer);
    };
  }, [limit, behind]);
  return behind ? { text: text.slice(0, limit), growing: true } : { text, growing };
}

/** Mathematics is loaded when the first of it is there. */
function useMath(text: string): MathState {
  const needed = /\$\$|\\[([]/.test(text);
  const [loaded, setLoaded] = useState<MathState>('loading');
  useEffect(() => {
    if (!needed) return undefined;
    let left = false;
    import('./math').then(
      ({ mathPlugins }) => {
        if (!left) setLoaded(mathPlugins());
      },
      () => {
        // As it was written is better than nothing.
        if (!left) setLoaded('none');
      },
    );
    return () => {
      left = true;
    };
  }, [needed]);
  return needed ? loaded : 'none';
}
