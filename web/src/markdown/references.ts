/** Definitions of links and footnotes, which stand anywhere in an answer, for the blocks that use them. */

import type { Tokens } from 'marked';

import type { Block } from './blocks';
import type { Footnote } from './lexer';

export interface Note {
  label: string;
  number: number;
  source: string;
}

export interface References {
  /** The source of a block with what it needs to be parsed by itself. */
  resolve: (block: Block) => string;
  /** In the order in which the answer mentions them. */
  notes: readonly Note[];
  numbers: ReadonlyMap<string, number>;
}

/** The address of a link whose definition may still come. */
export const PENDING = 'tokencast:pending';

const labelsOf = new WeakMap<Block, readonly string[]>();
const fullReferencesOf = new WeakMap<Block, readonly string[]>();

export function references(blocks: readonly Block[], growing: boolean): References {
  const links = new Map<string, string>();
  const notes = new Map<string, string>();
  for (const { kind, token } of blocks) {
    if (kind === 'def') {
      const { tag, raw } = token as Tokens.Def;
      if (!links.has(tag)) links.set(tag, raw.trim());
    } else if (kind === 'footnote') {
      const { label, text } = token as unknown as Footnote;
      if (!notes.has(normal(label))) notes.set(normal(label), text);
    }
  }
  const numbered = number(blocks, notes, growing);
  const numbers = new Map(numbered.map(({ label, number }) => [label, number]));
  const resolve = (block: Block): string => {
    if (block.kind === 'code' || block.kind === 'math' || !block.source.includes('[')) {
      return block.source;
    }
    const needed = new Set<string>();
    for (const label of labels(block)) {
      if (label.startsWith('^')) {
        if (numbers.has(label.slice(1))) needed.add(`[${label}]: x`);
      } else {
        const definition = links.get(label);
        if (definition !== undefined) needed.add(definition);
        else if (growing && fullReferences(block).includes(label))
          needed.add(`[${label}]: ${PENDING}`);
      }
    }
    return needed.size === 0 ? block.source : `${block.source}\n\n${[...needed].join('\n\n')}`;
  };
  return { resolve, notes: numbered.filter(({ source }) => source !== ''), numbers };
}

/** While an answer grows, the text of a note that was mentioned may still come. */
function number(
  blocks: readonly Block[],
  notes: ReadonlyMap<string, string>,
  growing: boolean,
): Note[] {
  const seen = new Set<string>();
  for (const block of blocks) {
    if (block.kind === 'code' || block.kind === 'footnote') continue;
    for (const label of labels(block)) if (label.startsWith('^')) seen.add(label.slice(1));
  }
  return [...seen]
    .filter((label) => growing || notes.has(label))
    .map((label, index) => ({ label, number: index + 1, source: notes.get(label) ?? '' }));
}

function labels(block: Block): readonly string[] {
  let found = labelsOf.get(block);
  if (found === undefined) {
    found = [...block.source.matchAll(/\[([^[\]]{1,200})\]/g)].map(([, label = '']) =>
      normal(label),
    );
    labelsOf.set(block, found);
  }
  return found;
}

/** The labels of `[text][label]`, which nothing else than a reference is written like. */
function fullReferences(block: Block): readonly string[] {
  let found = fullReferencesOf.get(block);
  if (found === undefined) {
    found = [...block.source.matchAll(/\]\[([^[\]]{1,200})\]/g)].map(([, label = '']) =>
      normal(label),
    );
    fullReferencesOf.set(block, found);
  }
  return found;
}

function normal(label: string): string {
  return label.trim().replace(/\s+/g, ' ').toLowerCase();
}
