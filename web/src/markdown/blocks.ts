/**
 * Markdown that grows: splits a text into pieces that are rendered once each.
 *
 * A piece is finished when another one, with a complete line of its own, follows it: no later text can change it then. A long
 * list, table, fence or paragraph is cut into several pieces, so that no piece takes long. Where it is cut depends on its text
 * only, never on how the text arrived: an answer looks the same while it grows and after a reload.
 */

import type { Token, Tokens } from 'marked';

import { cutParagraph, LONG_PARAGRAPH } from './cut';
import { cutList, depthOf } from './cut_list';
import { lexBlocks, type DisplayMath, type Footnote } from './lexer';
import { complete, withhold } from './unfinished';

export type Kind = 'flow' | 'list' | 'table' | 'code' | 'math' | 'continued' | 'footnote' | 'def';

/** A part of a block, or a whole one. */
export interface Block {
  kind: Kind;
  /** What is parsed. Blocks with the same kind and source look the same. */
  source: string;
  token: Token;
  /** It goes on where the block before it was cut. */
  continues: boolean;
  /** Of a list: it goes on within so many items that the blocks before it have begun. */
  within: number;
}

export interface Blocks {
  finished: readonly Block[];
  growing: readonly Block[];
}

/** Of rows and lines, so many are in one piece. */
const PIECE = { table: 30, code: 30 };
/** No more than so much is lexed at once. */
const WINDOW = 8_000;
/** A block that can't be cut by its structure is cut between two lines. */
const LONGEST = 16_000;

/** A list, table, fence or paragraph that was cut, and may go on. */
interface Open {
  kind: 'list' | 'table' | 'code' | 'continued';
  /** What makes the rest a block of the same kind: a table's head, a fence's first line, the marks of a list's items. */
  head: string;
  mark: string;
}

export class GrowingMarkdown {
  #text = '';
  /** How much of the text the finished blocks cover. */
  #covered = 0;
  #open: Open | null = null;
  #finished: Block[] = [];
  #blocks: Blocks = { finished: [], growing: [] };
  #growing = false;

  /** The blocks of a text that is still `growing`, or not. Cheap if it begins with the text of the last call. */
  update(written: string, growing: boolean): Blocks {
    const text = written.includes('\r') ? written.replace(/\r\n?/g, '\n') : written;
    if (text === this.#text && growing === this.#growing) return this.#blocks;
    if (!text.startsWith(this.#text)) {
      this.#covered = 0;
      this.#open = null;
      this.#finished = [];
    }
    this.#text = text;
    this.#growing = growing;
    this.#finish();
    const rest = this.#text.slice(this.#covered);
    const head = this.#open?.head ?? '';
    const isInside = head !== '' && this.#open?.kind !== 'list';
    const shown = growing && !isInside ? withhold(rest) : rest;
    const tokens = lexBlocks(head + shown, growing);
    const last = tokens.at(-1);
    const blocks = tokens.map((token, index) => this.#block(token, index === 0));
    const end = blocks.at(-1);
    if (growing && end && last) blocks[blocks.length - 1] = complete(end);
    this.#blocks = { finished: [...this.#finished], growing: blocks.filter(isVisible) };
    return this.#blocks;
  }

  /** Takes finished blocks from the text's end, a window at a time. */
  #finish(): void {
    let window = WINDOW;
    for (;;) {
      const end = this.#covered + window;
      const more = this.#text.length > end;
      const taken = this.#take(this.#text.slice(this.#covered, end));
      if (taken > 0) {
        this.#covered += taken;
        window = WINDOW;
      } else if (more) window *= 2;
      else return;
    }
  }

  /** How much of `rest`, which more text may follow, is finished. */
  #take(rest: string): number {
    const lines = rest.lastIndexOf('\n') + 1;
    const whole = rest.length - lines > LONG_PARAGRAPH ? rest : rest.slice(0, lines);
    const head = this.#open?.head ?? '';
    const tokens = lexBlocks(head + whole, true);
    const last = tokens.findLastIndex(({ type }) => type !== 'space');
    const token = tokens[0];
    if (!token) return 0;
    const cut = this.#cut(token, head);
    if (cut > 0) return cut;
    if (last <= 0) return 0;
    const block = this.#block(token, true);
    this.#open = null;
    if (token.type !== 'space') this.#finished.push(block);
    return token.raw.length - head.length;
  }

  /** Cuts pieces off a long block. Says how much of `rest` they are. */
  #cut(token: Token, head: string): number {
    switch (token.type) {
      case 'list':
        return this.#cutList(token, head);
      case 'table':
        return this.#cutLines(token, head, 2, PIECE.table);
      case 'code':
        return isFence(token.raw) ? this.#cutLines(token, head, 1, PIECE.code) : 0;
      case 'paragraph': {
        const at = cutParagraph(token.raw);
        if (at > 0) this.#push(token, 'continued', token.raw.slice(0, at), '');
        return at;
      }
      default:
        return this.#cutBetweenLines(token, head);
    }
  }

  #cutList(token: Token, head: string): number {
    let [rest, itsHead, length] = [token.raw, head, 0];
    for (;;) {
      const cut = cutList(rest, itsHead);
      if (cut === null) return length > 0 ? length : this.#cutBetweenLines(token, head);
      this.#push(token, 'list', rest.slice(0, cut.length), cut.head, depthOf(itsHead));
      length += cut.length - itsHead.length;
      [rest, itsHead] = [cut.head + rest.slice(cut.length), cut.head];
    }
  }

  /** A table or a fence: its pieces begin with the same lines as it does. */
  #cutLines(token: Token, head: string, headLines: number, size: number): number {
    const lines = token.raw.split('\n');
    const begin = `${lines.slice(0, headLines).join('\n')}\n`;
    let length = begin.length;
    for (let at = headLines; at + size + 2 <= lines.length; at += size) {
      const piece = `${lines.slice(at, at + size).join('\n')}\n`;
      this.#push(token, token.type as 'table' | 'code', begin + piece, begin);
      length += piece.length;
    }
    return length === begin.length ? 0 : length - head.length;
  }

  /** What has no such structure. */
  #cutBetweenLines(token: Token, head: string): number {
    if (token.raw.length < LONGEST) return 0;
    const at = token.raw.lastIndexOf('\n', LONGEST / 2) + 1;
    if (at <= head.length) return 0;
    const kind = token.type === 'list' ? 'list' : 'flow';
    this.#push(token, kind, token.raw.slice(0, at), '', depthOf(head));
    return at - head.length;
  }

  /** Adds a piece of a block that goes on; `head` begins the rest. */
  #push(token: Token, kind: Kind, source: string, head: string, within = 0): void {
    const continues = this.#continues(token);
    this.#finished.push({ kind, source, token: asToken(kind, source), continues, within });
    const mark = kind === 'list' ? listMark(token.raw, (token as Tokens.List).ordered) : '';
    this.#open = kind === 'flow' ? null : { kind: kind as Open['kind'], head, mark };
  }

  #block(token: Token, first: boolean): Block {
    const continues = first && this.#continues(token);
    const kind = kindOf(token, continues);
    const within = continues && kind === 'list' ? depthOf(this.#open?.head ?? '') : 0;
    return { kind, source: sourceOf(token), token, continues, within };
  }

  #continues(token: Token): boolean {
    switch (this.#open?.kind) {
      case 'list':
        return (
          token.type === 'list' &&
          this.#open.mark === listMark(token.raw, (token as Tokens.List).ordered)
        );
      case 'continued':
        return token.type === 'paragraph';
      case 'table':
      case 'code':
        return token.type === this.#open.kind;
      case undefined:
        return false;
    }
  }
}

function kindOf({ type }: Token, continues: boolean): Kind {
  switch (type) {
    case 'list':
    case 'table':
    case 'code':
    case 'math':
    case 'footnote':
    case 'def':
      return type;
    case 'paragraph':
      return continues ? 'continued' : 'flow';
    default:
      return 'flow';
  }
}

function sourceOf(token: Token): string {
  if (token.type === 'math' && (token as unknown as DisplayMath).closed) {
    return `$$\n${(token as unknown as DisplayMath).text}\n$$`;
  }
  return token.type === 'footnote' ? (token as unknown as Footnote).text : token.raw;
}

function asToken(kind: Kind, source: string): Token {
  const [token] = lexBlocks(source, false);
  return token ?? { type: kind, raw: source, text: source };
}

function isFence(line: string): boolean {
  return /^ {0,3}(`{3,}|~{3,})/.test(line);
}

/** Lists with different marks are different lists. */
function listMark(raw: string, ordered: boolean): string {
  const mark = /^\s*(?:\d+([.)])|([-*+]))/.exec(raw);
  return ordered ? `1${mark?.[1] ?? ''}` : (mark?.[2] ?? '');
}

function isVisible({ token, kind }: Block): boolean {
  return token.type !== 'space' && !(kind === 'math' && !(token as unknown as DisplayMath).closed);
}
