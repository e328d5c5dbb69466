/** The end of a growing text, so that no mark flashes before it means something. */

import remend from 'remend';

import type { Block } from './blocks';

/** Text that may be half a table or a formula is shown as it is when it gets longer than this. */
const PATIENCE = 300;

/** Without the last marks that may yet become something else. Not for what is inside of a table or a fence. */
export function withhold(text: string): string {
  if (insideFence(text)) return text;
  return withoutOpening(withoutFormula(withoutTable(withoutMark(text))));
}

/** Closes what is still open in the last block: `**bol` is bold at once. */
export function complete(block: Block): Block {
  if (block.kind === 'code' || block.kind === 'math' || block.kind === 'def') return block;
  const source = remend(block.source, {
    linkMode: 'text-only',
    // What these change would change back at the end of the answer.
    htmlTags: false,
    comparisonOperators: false,
    singleTilde: false,
  });
  return source === block.source ? block : { ...block, source };
}

function insideFence(text: string): boolean {
  let open: string | null = null;
  for (const line of text.split('\n')) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark === undefined) continue;
    if (open === null) open = mark;
    else if (mark.startsWith(open) && line.trim() === mark) open = null;
  }
  return open !== null;
}

/** A line of `-` may become a list, a rule, or make a heading of the line before it. */
function withoutMark(text: string): string {
  return text.replace(
    /(^|\n)[ \t]*(?:[-=*+_]+|#{1,6}|>|\d{1,9}[.)]?|`{1,2}|~{1,2}|\[|\[\^?[^\]\n]*\]:[^\n]*)[ \t]*$/,
    '$1',
  );
}

const DELIMITERS = /^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

/** A mark that opens something, with nothing behind it yet. */
function withoutOpening(text: string): string {
  return text.replace(/(^|\s)(?:[*_]{1,3}|~{1,2}|`{1,3}|!?\[)$/, '$1');
}

/** A table's first line is one only when the line below it is there. */
function withoutTable(text: string): string {
  const lines = text.split('\n');
  const last = lines.length - 1;
  const begins = lines.findLastIndex((line) => line.trim() === '' && line !== lines[last]) + 1;
  const isTable = lines
    .slice(begins, last)
    .some((line, index) => DELIMITERS.test(line) && lines[begins + index - 1]?.includes('|'));
  if (isTable) return text;
  const below =
    last > begins && /^[ \t|:-]*$/.test(lines[last] ?? '') && lines[last - 1]?.includes('|');
  const head = below ? last - 1 : last;
  const line = lines[head] ?? '';
  const mayBe =
    line.trimStart().startsWith('|') ||
    (line.includes('|') && line.length < PATIENCE && !line.includes('`'));
  return mayBe ? lines.slice(0, head).join('\n') : text;
}

/** A formula is set when it is whole. */
function withoutFormula(text: string): string {
  const from = Math.max(text.lastIndexOf('\n\n'), 0);
  const outsideCode = text.slice(from).replace(/(`+)[^`]*?\1/g, (code) => ' '.repeat(code.length));
  const marks = [...outsideCode.matchAll(/\\\\|\\[()[\]]|\$\$/g)];
  let open: { close: string; at: number } | null = null;
  for (const { 0: mark, index } of marks) {
    if (open !== null) {
      if (mark === open.close) open = null;
    } else if (mark === '$$') open = { close: '$$', at: index };
    else if (mark === '\\(') open = { close: '\\)', at: index };
    else if (mark === '\\[') open = { close: '\\]', at: index };
  }
  if (open !== null && outsideCode.length - open.at < PATIENCE)
    return text.slice(0, from + open.at);
  // Half of a mark.
  return /(?:^|[^\\$])[\\$]$/.test(text) ? text.slice(0, -1) : text;
}
