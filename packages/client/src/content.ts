/** What an answer is made of: its text, and its blocks. `transcript.ts` says in which order its pieces are applied. */

import {
  bodyOfBlock,
  bodyOfEvent,
  contentOf,
  isAlike,
  isShown,
  withBody,
  withContent,
} from './bodies.js';
import type { Block, Body } from './blocks.js';
import type { Snapshot, TokenEvent } from './types.js';

/** A piece, and the block that it belongs to. */
export interface Part {
  blockIndex: number;
  body: Body;
}

export class Content {
  #text = '';
  readonly #blocks = new Map<number, Block>();
  /** How long all blocks are together. What comes whole counts as one. */
  #length = 0;
  /** How long they were with each event that they ever ended in: by sequence. */
  readonly #ends = new Map<number, number>([[0, 0]]);
  /** All that stands behind `from` is of one block; `null`: or of several, nobody knows in which order. */
  #run: { blockIndex: number | null; from: number } = { blockIndex: null, from: 0 };

  /** What there is of text, in the order of the events. */
  get text(): string {
    return this.#text;
  }

  get isEmpty(): boolean {
    return this.#blocks.size === 0;
  }

  get blocks(): Block[] {
    return [...this.#blocks.values()].sort((one, other) => one.index - other.index);
  }

  /** What an event brings; `null` if it is nothing. */
  partOf(event: TokenEvent): Part | null {
    const body = bodyOfEvent(event);
    return body && { blockIndex: event.blockIndex ?? this.#textBlock(), body };
  }

  /** Where text belongs that names no block. */
  #textBlock(): number {
    const { blocks } = this;
    const text = blocks.filter(({ type }) => type === 'TEXT').at(-1);
    return text?.index ?? (blocks.at(-1)?.index ?? -1) + 1;
  }

  /**
   * What is new of a part that begins behind an event, where what is known behind that event belongs to it. `null` if that
   * can't be told, or isn't so.
   */
  restOf({ blockIndex, body }: Part, behind: number): Part | null {
    const known = this.#knownBehind(behind, blockIndex);
    const content = contentOf(body);
    if (known === null || content?.startsWith(known) !== true) return null;
    return { blockIndex, body: withContent(body, content.slice(known.length)) };
  }

  /** What is known behind an event, if all of it belongs to this block. */
  #knownBehind(sequence: number, blockIndex: number): string | null {
    const begin = this.#ends.get(sequence);
    if (begin === undefined) return null;
    if (begin === this.#length) return '';
    const block = this.#blocks.get(blockIndex);
    if (block === undefined || this.#run.blockIndex !== blockIndex || this.#run.from > begin) {
      return null;
    }
    return contentOf(bodyOfBlock(block))?.slice(begin - this.#length) ?? null;
  }

  /** Whether nothing is known behind that event. */
  endsWith(sequence: number): boolean {
    return this.#ends.get(sequence) === this.#length;
  }

  /** Whether the piece may be of its block. */
  fits({ blockIndex, body }: Part): boolean {
    const block = this.#blocks.get(blockIndex);
    return block === undefined || isAlike(block, body);
  }

  /** Adds a piece that fits. Answers whether it says anything new. */
  add({ blockIndex, body }: Part): boolean {
    const block = this.#blocks.get(blockIndex) ?? null;
    const added = contentOf(body);
    // A block of reasoning or of a tool's use is there even without content.
    const isEmpty = added === '' && (block !== null || body.type === 'text');
    if (isEmpty || (added === null && block !== null)) return false;
    if (this.#run.blockIndex !== blockIndex) this.#run = { blockIndex, from: this.#length };
    this.#blocks.set(blockIndex, withBody(blockIndex, block, body));
    this.#length += added?.length ?? 1;
    if (body.type === 'text') this.#text += body.text;
    return true;
  }

  /** The answer reaches as far as this event. */
  endedAt(sequence: number): void {
    this.#ends.set(sequence, this.#length);
  }

  /** What a snapshot's answer has beyond this one; `null` if it doesn't begin as this one. */
  beyond({ text, blocks }: Pick<Snapshot, 'text' | 'blocks'>): Part[] | null {
    if (!text.startsWith(this.#text)) return null;
    // Of an API that knows text only.
    const whole: readonly Block[] = [{ index: 0, type: 'TEXT', text }];
    const all = blocks == null || blocks.length === 0 ? whole : blocks.filter(isShown);
    const later = new Map(all.map((block) => [block.index, bodyOfBlock(block)]));
    for (const block of this.#blocks.values()) {
      const body = later.get(block.index);
      if (body === undefined || !isAlike(block, body)) return null;
      const known = contentOf(bodyOfBlock(block));
      if (known !== null && contentOf(body)?.startsWith(known) !== true) return null;
    }
    return [...later]
      .sort(([one], [other]) => one - other)
      .flatMap(([blockIndex, body]) => {
        const block = this.#blocks.get(blockIndex);
        if (block === undefined) return [{ blockIndex, body }];
        const known = contentOf(bodyOfBlock(block));
        if (known === null) return [];
        return [
          { blockIndex, body: withContent(body, contentOf(body)?.slice(known.length) ?? '') },
        ];
      });
  }

  /** Becomes a state of the answer, by what that has beyond this one. Answers with what is new. */
  grow(text: string, parts: Part[]): Part[] {
    const from = this.#length;
    const added = parts.filter((part) => this.add(part));
    this.#text = text;
    if (added.length > 1) this.#run = { blockIndex: null, from };
    return added;
  }

  clear(): void {
    this.#text = '';
    this.#blocks.clear();
    this.#length = 0;
    this.#ends.clear();
    this.#ends.set(0, 0);
    this.#run = { blockIndex: null, from: 0 };
  }
}
