/** The words of Markdown, without its marks: what a screen reader is told, and plain text for elements. */

import type { Token, Tokens } from 'marked';

import type { Block } from './blocks';
import { lexWords } from './lexer';

const NAMED: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  copy: '©',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  times: '×',
  rarr: '→',
};

/** The parser leaves character references as they are; elements show text as it is. */
export function decodeEntities(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,8});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return NAMED[name.toLowerCase()] ?? whole;
    const hex = name.charAt(1).toLowerCase() === 'x';
    const code = Number.parseInt(name.slice(hex ? 2 : 1), hex ? 16 : 10);
    return code > 0 && code <= 0x10_ffff ? String.fromCodePoint(code) : whole;
  });
}

/** The words of a block, which is parsed for it. */
export function wordsOf({ kind, source, continues }: Block): string {
  if (kind === 'def') return '';
  if (kind === 'math') return 'Formula.';
  if (kind === 'code') return continues ? '' : 'Code block.';
  return lexWords(source).map(plainText).join(' ').trim();
}

function plainText(token: Token): string {
  switch (token.type) {
    case 'code':
      return 'Code block.';
    case 'table': {
      const { header, rows } = token as Tokens.Table;
      return [header, ...rows].map((row) => row.map(cellText).join(', ')).join('. ');
    }
    case 'list':
      return (token as Tokens.List).items.map(childText).join('. ');
    case 'br':
      return ' ';
    case 'math':
      return 'Formula.';
    case 'space':
    case 'def':
    case 'hr':
      return '';
    default:
      return childText(token);
  }
}

function childTokens(token: Token | Tokens.ListItem): Token[] {
  return (token as { tokens?: Token[] }).tokens ?? [];
}

function cellText({ tokens }: Tokens.TableCell): string {
  return tokens.map(plainText).join('');
}

function childText(token: Token | Tokens.ListItem): string {
  const tokens = childTokens(token);
  if (tokens.length > 0) return tokens.map(plainText).join('');
  return 'text' in token ? decodeEntities(String(token.text)) : '';
}
