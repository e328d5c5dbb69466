/**
 * Markdown that grows: splits a text into blocks, and parses each finished block once only.
 *
 * A block is finished when another one, with a complete line of its own, follows it: no later text can change it then.
 * What comes after the last finished block is parsed again with each piece of text.
 */

import { Lexer, type Token } from 'marked';

import { heal } from './heal';

export interface Block {
  /** What it was parsed from; blocks with the same source look the same. */
  source: string;
  token: Token;
}

export interface Blocks {
  finished: readonly Block[];
  growing: readonly Block[];
}

export class GrowingMarkdown {
  #text = '';
  /** How much of the text the finished blocks cover. */
  #covered = 0;
  #finished: readonly Block[] = [];
  #blocks: Blocks = { finished: [], growing: [] };
  #growing = false;

  /** The blocks of a text that is still `growing`, or not. Cheap if it begins with the text of the last call. */
  update(written: string, growing: boolean): Blocks {
    // The parser does the same; here it keeps the lengths of sources true.
    const text = written.includes('\r') ? written.replace(/\r\n?/g, '\n') : written;
    if (text === this.#text && growing === this.#growing) return this.#blocks;
    if (!text.startsWith(this.#text)) {
      this.#covered = 0;
      this.#finished = [];
    }
    this.#text = text;
    this.#growing = growing;
    this.#finish();
    const rest = text.slice(this.#covered);
    this.#blocks = {
      finished: this.#finished,
      growing: parse(growing ? heal(rest) : rest).filter(isVisible),
    };
    return this.#blocks;
  }

  #finish(): void {
    const rest = this.#text.slice(this.#covered);
    const blocks = parse(rest.slice(0, rest.lastIndexOf('\n') + 1));
    const last = blocks.findLastIndex(isVisible);
    const done = blocks.slice(0, Math.max(last, 0));
    if (done.length === 0) return;
    this.#covered += done.reduce((length, { source }) => length + source.length, 0);
    this.#finished = [...this.#finished, ...done.filter(isVisible)];
  }
}

function isVisible({ token }: Block): boolean {
  return token.type !== 'space' && token.type !== 'def';
}

function parse(text: string): Block[] {
  return new Lexer({ gfm: true }).lex(text).map((token) => ({ source: token.raw, token }));
}
