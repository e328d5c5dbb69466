/** The block lexer: marked's, with the blocks that its Markdown lacks: footnotes, and mathematics that is set apart. */

import { Lexer, Marked, type Token, type TokenizerExtension } from 'marked';

/** An opening mark without a closing one within this length is no mathematics. */
const LONGEST_FORMULA = 4_000;

export interface Footnote {
  type: 'footnote';
  raw: string;
  label: string;
  /** Its Markdown, without the label and the indentation. */
  text: string;
}

/** A formula of its own, between `$$` and `$$` or `\[` and `\]`. */
export interface DisplayMath {
  type: 'math';
  raw: string;
  text: string;
  closed: boolean;
}

const footnote: TokenizerExtension = {
  name: 'footnote',
  level: 'block',
  start: (source) => /^ {0,3}\[\^/m.exec(source)?.index,
  tokenizer(source): Footnote | undefined {
    const match =
      /^ {0,3}\[\^([^\]\s]{1,200})\]:[ \t]*([^\n]*(?:\n|$)(?:(?:[ \t]*\n)*(?: {4}|\t)[^\n]*(?:\n|$))*)/.exec(
        source,
      );
    if (!match) return undefined;
    const [raw, label = '', text = ''] = match;
    return { type: 'footnote', raw, label, text: text.replace(/^(?: {4}|\t)/gm, '').trimEnd() };
  },
};

function displayMath(growing: boolean): TokenizerExtension {
  return {
    name: 'math',
    level: 'block',
    start: (source) => /^ {0,3}(?:\$\$|\\\[)/m.exec(source)?.index,
    tokenizer(source): DisplayMath | undefined {
      const open = /^ {0,3}(\$\$|\\\[)/.exec(source);
      if (!open) return undefined;
      const [lead, mark] = open;
      const close = mark === '$$' ? '$$' : '\\]';
      const from = lead.length;
      const at = source.slice(0, LONGEST_FORMULA).indexOf(close, from);
      if (at < 0) {
        const open = growing && source.length < LONGEST_FORMULA && source.slice(from).trim() !== '';
        return open
          ? { type: 'math', raw: source, text: source.slice(from), closed: false }
          : undefined;
      }
      const after = /^[ \t]*(?:\n|$)/.exec(source.slice(at + close.length))?.[0];
      if (after === undefined || source.slice(from, at).trim() === '') return undefined;
      const raw = source.slice(0, at + close.length + after.length);
      return { type: 'math', raw, text: source.slice(from, at).trim(), closed: true };
    },
  };
}

function options(growing: boolean) {
  const marked = new Marked({ gfm: true });
  marked.use({ extensions: [footnote, displayMath(growing)] });
  return marked.defaults;
}

const GROWING = options(true);
const WHOLE = options(false);

/** The blocks of a text; what is within them stays unparsed. `growing`: its end may be the middle of a formula. */
export function lexBlocks(text: string, growing: boolean): Token[] {
  return new Lexer(growing ? GROWING : WHOLE).blockTokens(text);
}

/** The same, parsed to its words. */
export function lexWords(text: string): Token[] {
  return new Lexer(WHOLE).lex(text);
}
