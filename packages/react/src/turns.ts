/** The turns of a conversation as a page has them: those that the API knows, and those that are asked here. */

import type { InConversation, Snapshot, TokencastClient, Turn } from '@tokencast/client';

import { AnswerStore } from './answer_store.js';
import { isOver, viewOf, type AnswerView } from './answer_view.js';
import { TurnTree } from './turn_tree.js';
import type { AskOptions, Question, TurnView } from './views.js';

interface Entry extends Turn {
  /** The assistant that was named, of a question that was asked here. */
  assistant?: string | undefined;
  /** The API has named it. */
  isKnown: boolean;
  /** Its record, as it is shown. */
  recorded: AnswerView;
  /** What is shown of it, as long as nothing changes. */
  view: TurnView | null;
}

export interface TurnsListener {
  changed: () => void;
  /** The API has a question that was asked here. */
  accepted: (sessionId: string) => void;
  /** A question that was asked here has its answer, or will have none; the API hasn't named it yet. */
  unconfirmed: (sessionId: string) => void;
}

export class Turns {
  readonly #conversationId: string;
  #client: TokencastClient;
  readonly #listener: TurnsListener;
  readonly #entries = new Map<string, Entry>();
  /** Of the turns that are followed, or were until they were over. */
  readonly #answers = new Map<string, AnswerStore>();
  /** By the turn that they continue; `null` at the beginning. */
  readonly #chosen = new Map<string | null, string>();
  #tree = new TurnTree<TurnView>([]);
  #path: readonly TurnView[] = [];
  #all: readonly TurnView[] = [];

  constructor(conversationId: string, client: TokencastClient, listener: TurnsListener) {
    this.#conversationId = conversationId;
    this.#client = client;
    this.#listener = listener;
  }

  /** The oldest first. */
  get all(): readonly TurnView[] {
    return this.#all;
  }

  get path(): readonly TurnView[] {
    return this.#path;
  }

  siblingsOf(sessionId: string): readonly TurnView[] {
    return this.#tree.siblingsOf(sessionId);
  }

  has(sessionId: string): boolean {
    return this.#entries.has(sessionId);
  }

  /** Whether its answer is followed here, and isn't over. */
  isFollowed(sessionId: string): boolean {
    const answer = this.#answers.get(sessionId);
    return answer !== undefined && !isOver(answer.view().phase);
  }

  /** For the next question, and the next answer that is followed. */
  use(client: TokencastClient): void {
    this.#client = client;
    for (const answer of this.#answers.values()) answer.use(client);
  }

  /** Takes in what was read. `isWhole`: these are all there are. */
  take(turns: readonly Turn[], isWhole: boolean): void {
    const before = new Map(this.#entries);
    if (isWhole) this.#entries.clear();
    for (const turn of turns) {
      const { sessionId, stream } = turn;
      const entry = before.get(sessionId);
      this.#entries.set(sessionId, {
        ...turn,
        isKnown: true,
        recorded: viewOf(sessionId, stream),
        view: entry?.view ?? null,
      });
    }
    // What was asked here meanwhile, or hasn't arrived.
    for (const [sessionId, entry] of before) {
      if (this.#answers.has(sessionId) && !this.#entries.has(sessionId)) {
        this.#entries.set(sessionId, entry);
      }
    }
    this.#changed();
  }

  /** The API has named it. */
  confirm(sessionId: string): void {
    const entry = this.#entries.get(sessionId);
    if (entry !== undefined) entry.isKnown = true;
  }

  /** A turn that isn't followed is as its record says. */
  settle(sessionId: string, stream: Snapshot | null): void {
    const entry = this.#entries.get(sessionId);
    if (entry === undefined) return;
    entry.stream = stream;
    entry.recorded = viewOf(sessionId, stream);
    this.#changed();
  }

  /** Shows the branch that a turn is on, from the beginning to that turn. */
  show(sessionId: string): void {
    for (const turn of this.#tree.branchOf(sessionId)) {
      this.#chosen.set(this.#tree.parentOf(turn), turn.sessionId);
    }
    this.#changed();
  }

  /** Asks; the question is shown in place of its siblings. */
  ask(prompt: string, parentId: string | null, { assistant }: AskOptions = {}): string {
    const answer = new AnswerStore(this.#client);
    const sessionId = answer.ask(prompt, this.#place(parentId, assistant));
    this.#asked({ sessionId, parentId, prompt, assistant }, answer);
    return sessionId;
  }

  /** Asks at the end of the branch that is shown; `null` while its last answer isn't over. */
  askNext(prompt: string, options?: AskOptions): string | null {
    const last = this.#path.at(-1);
    if (last !== undefined && !isOver(last.answer.phase)) return null;
    return this.ask(prompt, this.#nextParent(), options);
  }

  /** The last turn that is shown and can be continued: one that never arrived can't. */
  #nextParent(): string | null {
    const arrived = this.#path.filter(({ sessionId, answer }) => {
      const hasContent = answer.blocks.length > 0 || answer.phase === 'completed';
      return hasContent || this.#entries.get(sessionId)?.isKnown === true;
    });
    return arrived.at(-1)?.sessionId ?? null;
  }

  restore({ sessionId, parentId, prompt, assistant }: Question): void {
    if (!this.#answers.has(sessionId)) {
      const answer = new AnswerStore(this.#client);
      answer.resume(sessionId, prompt, this.#place(parentId, assistant));
      this.#asked({ sessionId, parentId, prompt, assistant }, answer);
    }
    this.show(sessionId);
  }

  retry(sessionId: string): void {
    if (!this.#entries.has(sessionId)) return;
    const answer = this.#answers.get(sessionId);
    if (answer === undefined) this.#follow(sessionId, new AnswerStore(this.#client));
    this.#answers.get(sessionId)?.reload(sessionId);
    this.#changed();
  }

  /** Takes back a question that didn't arrive. */
  discard(sessionId: string): Question | null {
    const entry = this.#entries.get(sessionId);
    const answer = this.#answers.get(sessionId);
    if (entry === undefined || entry.isKnown || answer?.view().sent !== false) return null;
    this.#forget(sessionId);
    const { parentId, prompt, assistant } = entry;
    return { sessionId, parentId, prompt, ...(assistant && { assistant }) };
  }

  /** Stops the answer at the end of the branch that is shown. */
  stop(): void {
    const last = this.#path.at(-1);
    if (last !== undefined) this.#answers.get(last.sessionId)?.stop();
  }

  /** Follows nothing any more; the answers go on. */
  leave(): void {
    const answers = [...this.#answers];
    for (const [sessionId, answer] of answers) {
      if (isOver(answer.view().phase)) continue;
      this.#answers.delete(sessionId);
      answer.leave();
    }
  }

  clear(): void {
    this.leave();
    this.#answers.clear();
    this.#entries.clear();
    this.#chosen.clear();
    this.#changed();
  }

  #place(parentId: string | null, assistant: string | undefined): InConversation {
    const conversationId = this.#conversationId;
    // Said in full, so that the same question is the same start whenever it is sent.
    return {
      conversationId,
      parentId: parentId ?? conversationId,
      ...(assistant && { assistant }),
    };
  }

  #asked(question: Question, answer: AnswerStore): void {
    const { sessionId, parentId } = question;
    const known = this.#entries.get(sessionId);
    if (known === undefined) {
      this.#entries.set(sessionId, {
        ...question,
        stream: null,
        createdAt: new Date().toISOString(),
        isKnown: false,
        recorded: answer.view(),
        view: null,
      });
    }
    this.#chosen.set(parentId, sessionId);
    this.#follow(sessionId, answer);
    this.#changed();
  }

  #follow(sessionId: string, answer: AnswerStore): void {
    this.#answers.set(sessionId, answer);
    let isAccepted = this.#entries.get(sessionId)?.isKnown === true;
    answer.subscribe(() => {
      if (this.#answers.get(sessionId) !== answer) return;
      const { phase, sent } = answer.view();
      if (!isAccepted && sent && phase !== 'failed') {
        isAccepted = true;
        this.#listener.accepted(sessionId);
      }
      const isKnown = this.#entries.get(sessionId)?.isKnown === true;
      if (isOver(phase) && sent && !isKnown) this.#listener.unconfirmed(sessionId);
      this.#changed();
    });
  }

  #forget(sessionId: string): void {
    const answer = this.#answers.get(sessionId);
    this.#answers.delete(sessionId);
    answer?.leave();
    this.#entries.delete(sessionId);
    for (const [parentId, chosen] of this.#chosen) {
      if (chosen === sessionId) this.#chosen.delete(parentId);
    }
    this.#changed();
  }

  #changed(): void {
    this.#all = [...this.#entries.values()].map((entry) => this.#viewOf(entry));
    this.#tree = new TurnTree(this.#all);
    this.#path = this.#tree.path(this.#chosen);
    // What is shown stays, whatever begins beside it.
    for (const turn of this.#path) this.#chosen.set(this.#tree.parentOf(turn), turn.sessionId);
    const last = this.#path.at(-1);
    if (last !== undefined && !isOver(last.answer.phase) && !this.#answers.has(last.sessionId)) {
      const answer = new AnswerStore(this.#client);
      this.#follow(last.sessionId, answer);
      answer.resume(last.sessionId);
      return;
    }
    this.#listener.changed();
  }

  #viewOf(entry: Entry): TurnView {
    const { sessionId, parentId, prompt, createdAt } = entry;
    const answer = this.#answerOf(entry);
    const { view } = entry;
    if (
      view?.answer === answer &&
      view.parentId === parentId &&
      view.prompt === prompt &&
      view.createdAt === createdAt
    ) {
      return view;
    }
    entry.view = { sessionId, parentId, prompt, createdAt, answer };
    return entry.view;
  }

  /** What was read is shown until what is followed has come as far. */
  #answerOf({ sessionId, recorded }: Entry): AnswerView {
    const followed = this.#answers.get(sessionId)?.view();
    if (followed === undefined || followed.sessionId === null) return recorded;
    const hasCome = followed.blocks.length > 0 || isOver(followed.phase) || followed.restarts > 0;
    return hasCome || recorded.blocks.length === 0 ? followed : recorded;
  }
}
