/** What an answer is made of: its text, and its blocks. `transcript.ts` says in which order its pieces are applied. */

import { bodyOfBlock, bodyOfEvent, contentOf, mayBecome, withBody, withContent } from './bodies.js';
import type { Block, Body } from './blocks.js';
import type { TokenEvent } from './types.js';

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
    const last = this.blocks.filter(({ type }) => type === 'TEXT').at(-1);
    return last?.index ?? this.#blocks.size;
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

  /** Adds a piece. Answers whether it says anything new. */
  add({ blockIndex, body }: Part): boolean {
    const block = this.#blocks.get(blockIndex) ?? null;
    const added = contentOf(body);
    // A block of reasoning or of a tool's use is there even without content.
    if (added === '' && (block !== null || body.type === 'text')) return false;
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

  /** What a state of the answer has beyond this one; `null` if it can't have come of it. */
  beyond(text: string, blocks: readonly Block[]): Part[] | null {
    const later = new Map(blocks.map((block) => [block.index, bodyOfBlock(block)]));
    for (const block of this.#blocks.values()) {
      const body = later.get(block.index);
      if (body === undefined || !mayBecome(block, body)) return null;
    }
    if (!text.startsWith(this.#text)) return null;
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
