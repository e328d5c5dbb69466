/**
 * The reassembly of an answer from events that are lost, repeated and reordered on their way, and from snapshots.
 *
 * A pure state machine. Its rules are the same in every language: `tests/fixtures/README.md`.
 */

import type { Block, Piece } from './blocks.js';
import { Content, type Part } from './content.js';
import {
  isTerminal,
  type Ending,
  type Snapshot,
  type StreamError,
  type StreamStatus,
  type TokenEvent,
  type TokenUsage,
  type Guardrail,
} from './types.js';

/** How many events wait for a gap to be filled. Beyond that the highest are dropped, and a snapshot fills them in. */
const MAX_WAITING = 1_024;

interface Waiting {
  first: number;
  sequence: number;
  event: TokenEvent;
}

/** What to do to the answer on display. */
export type Change =
  /** Clear it: it starts again. */
  | { type: 'restart'; attempt: number }
  /** Add to it. The answer reaches as far as `sequence` then. */
  | Piece
  /** Nothing follows. */
  | { type: 'end'; ending: Ending };

export class Transcript {
  /** 0 until an attempt was seen. */
  #attempt = 0;
  /** Of the last event in the text. */
  #sequence = 0;
  #status: StreamStatus | null = null;
  readonly #content = new Content();
  /** Events after a gap, in the order of the first and the last sequence that they stand for. */
  #waiting: Waiting[] = [];
  /** The highest event that is known to exist, but was neither applied nor kept. */
  #missed = 0;
  /** An end was heard of that doesn't follow from what is known: only a snapshot can tell whether it is over. */
  #inDoubt = false;
  /** Events without a sequence were appended as they came, so that no snapshot short of the last says more. */
  #unnumbered = false;
  #ending: Ending | null = null;

  get text(): string {
    return this.#content.text;
  }

  /** The whole answer, in the order in which its blocks began. */
  get blocks(): Block[] {
    return this.#content.blocks;
  }

  /** `null` until anything was heard of the session. */
  get status(): StreamStatus | null {
    return this.#status;
  }

  get ending(): Ending | null {
    return this.#ending;
  }

  get attempt(): number {
    return this.#attempt;
  }

  /** Of the last event in the text. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Whether it takes a snapshot, or the session from its first event, as what is known isn't sure to be true. */
  get inDoubt(): boolean {
    return this.#inDoubt && this.#ending === null;
  }

  /** The session as this transcript has it. */
  asSnapshot(): Snapshot {
    return {
      status: this.#status ?? 'QUEUED',
      text: this.text,
      blocks: this.blocks,
      sequence: this.#sequence,
      attempt: this.#attempt,
      ...this.#ending,
    };
  }

  /** Whether events are missing that only a snapshot is sure to bring. */
  get needsSnapshot(): boolean {
    return (
      this.#ending === null &&
      (this.#inDoubt || this.#waiting.length > 0 || this.#missed > this.#sequence)
    );
  }

  /** Takes in an event, whenever it comes. */
  event(event: TokenEvent): Change[] {
    const changes: Change[] = [];
    const attempt = event.attempt ?? Math.max(this.#attempt, 1);
    if (this.#ending !== null) return changes;
    if (attempt < this.#attempt) {
      this.#inDoubt ||= event.isComplete;
      return changes;
    }
    this.#enter(attempt, changes);
    const sequence = event.sequence ?? null;
    if (sequence === null) {
      this.#unnumbered = true;
      this.#apply(event, this.#content.partOf(event), changes);
    } else if (sequence > this.#sequence) {
      const first = Math.min(Math.max(1, event.firstSequence ?? sequence), sequence);
      if (first > this.#sequence + 1) {
        this.#keep({ first, sequence, event });
      } else {
        this.#join({ first, sequence, event }, changes);
        this.#applyWaiting(changes);
      }
    } else {
      // An end in the midst of what is known: of an attempt that died after its last checkpoint.
      this.#inDoubt ||= event.isComplete;
    }
    return changes;
  }

  /** Takes in a snapshot, however old. */
  snapshot(snapshot: Snapshot): Change[] {
    const changes: Change[] = [];
    // A session ends once. That it has is true, whatever is known of attempts since.
    const ends = isTerminal(snapshot.status);
    if (this.#ending !== null || (!ends && this.#isBehind(snapshot))) return changes;
    this.#enter(snapshot.attempt, changes);
    this.#replace(snapshot, changes);
    this.#status = snapshot.status;
    if (isTerminal(snapshot.status)) {
      this.#end(snapshot.status, snapshot, changes);
    } else {
      this.#applyWaiting(changes);
      this.#inDoubt = false;
    }
    return changes;
  }

  #isBehind(snapshot: Snapshot): boolean {
    if (snapshot.attempt !== this.#attempt) return snapshot.attempt < this.#attempt;
    return this.#unnumbered || snapshot.sequence < this.#sequence;
  }

  /** Clears the text if `attempt` is another. */
  #enter(attempt: number, changes: Change[]): void {
    if (attempt === this.#attempt) return;
    const first = this.#attempt === 0 && this.#content.isEmpty;
    this.#attempt = attempt;
    this.#clear();
    this.#waiting = [];
    this.#missed = 0;
    this.#inDoubt = false;
    if (!first) changes.push({ type: 'restart', attempt });
  }

  #clear(): void {
    this.#content.clear();
    this.#sequence = 0;
    this.#unnumbered = false;
  }

  #replace(snapshot: Snapshot, changes: Change[]): void {
    const { text, sequence } = snapshot;
    let beyond = this.#content.beyond(snapshot);
    if (beyond === null) {
      this.#clear();
      changes.push({ type: 'restart', attempt: this.#attempt });
      beyond = this.#content.beyond(snapshot) ?? [];
    }
    this.#sequence = sequence;
    for (const part of this.#content.grow(text, beyond)) this.#tell(part, changes);
    this.#content.endedAt(sequence);
  }

  #tell({ blockIndex, body }: Part, changes: Change[]): void {
    changes.push({ ...body, blockIndex, attempt: this.#attempt, sequence: this.#sequence });
  }

  #keep(one: Waiting): void {
    const waiting = this.#waiting;
    const isBehind = (other: Waiting): boolean =>
      other.first === one.first ? other.sequence >= one.sequence : other.first > one.first;
    // Most come in order.
    let at = waiting.length;
    for (let other = waiting[at - 1]; other && isBehind(other); other = waiting[at - 1]) at -= 1;
    const next = waiting[at];
    if (next?.first === one.first && next.sequence === one.sequence) return;
    waiting.splice(at, 0, one);
    const dropped = waiting.length > MAX_WAITING ? waiting.pop() : undefined;
    if (dropped) this.#missed = Math.max(this.#missed, dropped.sequence);
  }

  #applyWaiting(changes: Change[]): void {
    for (;;) {
      const [next] = this.#waiting;
      if (!next || next.first > this.#sequence + 1) return;
      this.#waiting.shift();
      if (next.sequence > this.#sequence) this.#join(next, changes);
    }
  }

  /** Applies an event that begins in what is known, or right after it, and reaches further. */
  #join({ first, sequence, event }: Waiting, changes: Change[]): void {
    let part = this.#content.partOf(event);
    let fits = part === null || this.#content.fits(part);
    if (first <= this.#sequence) {
      const isNothing = part === null;
      part = part && this.#content.restOf(part, first - 1);
      fits &&= isNothing ? this.#content.endsWith(first - 1) : part !== null;
    }
    if (!fits) {
      // Where it begins isn't known, for one, so that nobody can tell which part of it is new.
      this.#missed = Math.max(this.#missed, sequence);
      return;
    }
    this.#sequence = sequence;
    this.#apply(event, part, changes);
    this.#content.endedAt(sequence);
  }

  #apply(event: TokenEvent, part: Part | null, changes: Change[]): void {
    const fits = part !== null && this.#content.fits(part);
    if (fits && this.#content.add(part)) this.#tell(part, changes);
    if (event.isComplete) {
      const said = event.status ?? null;
      const status =
        said !== null && isTerminal(said) ? said : event.error ? 'FAILED' : 'COMPLETED';
      this.#end(status, event, changes);
    } else {
      this.#status = 'STREAMING';
    }
  }

  #end(status: Ending['status'], how: EndingFields, changes: Change[]): void {
    this.#status = status;
    this.#waiting = [];
    this.#missed = 0;
    this.#inDoubt = false;
    this.#ending = {
      status,
      stopReason: how.stopReason ?? null,
      usage: how.usage ?? null,
      error: how.error ?? null,
      ...(how.guardrail ? { guardrail: how.guardrail } : {}),
    };
    changes.push({ type: 'end', ending: this.#ending });
  }
}

interface EndingFields {
  stopReason?: string | null;
  usage?: TokenUsage | null;
  error?: StreamError | null;
  guardrail?: Guardrail | null;
}
