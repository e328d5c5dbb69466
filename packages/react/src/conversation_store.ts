/** One conversation, without React: it is read, and follows what happens elsewhere. `turns.ts` has its turns. */

import type {
  Conversation,
  ConversationEvent,
  ConversationTurns,
  StreamError,
  TokencastClient,
  Turn,
} from '@tokencast/client';

import { mustBeClient } from './arguments.js';
import { asStreamError, IDLE, type AnswerView } from './answer_view.js';
import { Retry } from './retry.js';
import { Turns } from './turns.js';
import type { AskOptions, Siblings, TurnView } from './views.js';

/** The conversation, without what can be done. */
export interface ConversationState {
  conversation: Conversation | null;
  turns: readonly TurnView[];
  path: readonly TurnView[];
  answer: AnswerView;
  state: 'loading' | 'ready' | 'missing' | 'deleted' | 'failed';
  error: StreamError | null;
}

const EMPTY: ConversationState = {
  conversation: null,
  turns: [],
  path: [],
  answer: IDLE,
  state: 'loading',
  error: null,
};

/** Turns of a page that is read. */
const PAGE = 100;

/** What to read: the turns that are new, or all of them. */
type Reading = 'new' | 'all';

export class ConversationStore {
  readonly conversationId: string;
  #client: TokencastClient;
  readonly #listeners = new Set<() => void>();
  #view: ConversationState;
  readonly turns: Turns;
  /** Of the last page of turns: read again, it brings the new ones. */
  #lastPage: string | null = null;
  #isReading = false;
  /** What to read once the present reading is done. */
  #wanted: Reading | null = null;
  /** Counts starts: what was read before one is late. */
  #run = 0;
  #isRunning = false;
  #unwatch: (() => void) | null = null;
  /** Changes can't be heard of any more. */
  #isRefused = false;
  readonly #retry = new Retry(() => {
    this.#want('all');
  });

  /**
   * `isNew`: nobody can have used this id yet, so that there is nothing to read.
   *
   * @throws `TypeError` if it is no client
   */
  constructor(client: TokencastClient, conversationId: string, isNew = false) {
    mustBeClient(client);
    this.conversationId = conversationId;
    this.#client = client;
    this.#view = isNew ? { ...EMPTY, state: 'missing' } : EMPTY;
    this.turns = new Turns(conversationId, client, {
      changed: () => {
        this.#change({});
      },
      accepted: (sessionId) => {
        this.#began(sessionId);
      },
      unconfirmed: () => {
        this.#want('new');
      },
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly view = (): ConversationState => this.#view;

  use(client: TokencastClient): void {
    mustBeClient(client);
    this.#client = client;
    this.turns.use(client);
  }

  /** Reads it, unless there can be nothing to read, and follows it from then on. */
  start(): void {
    this.#isRunning = true;
    if (this.#view.state !== 'missing' && this.#view.state !== 'deleted') this.#want('all');
  }

  /** Follows nothing any more; what runs goes on. */
  stop(): void {
    this.#isRunning = false;
    this.#run += 1;
    this.#isReading = false;
    this.#wanted = null;
    this.#retry.cancel();
    this.#stopWatching();
    this.turns.leave();
  }

  reload(): void {
    if (this.#view.state !== 'ready') this.#change({ state: 'loading' });
    this.#isRefused = false;
    this.#want('all');
  }

  ask(prompt: string, options?: AskOptions): string | null {
    const { state } = this.#view;
    return state === 'ready' || state === 'missing' ? this.turns.askNext(prompt, options) : null;
  }

  edit(sessionId: string, prompt: string, options?: AskOptions): string | null {
    const turn = this.#turn(sessionId);
    return turn && this.turns.ask(prompt, turn.parentId, options);
  }

  regenerate(sessionId: string, options?: AskOptions): string | null {
    const turn = this.#turn(sessionId);
    return turn && this.turns.ask(turn.prompt, turn.parentId, options);
  }

  siblings(sessionId: string): Siblings {
    const versions = this.turns.siblingsOf(sessionId);
    const index = versions.findIndex((turn) => turn.sessionId === sessionId);
    const showAt = (place: number): void => {
      const turn = versions[place];
      if (turn !== undefined) this.turns.show(turn.sessionId);
    };
    return {
      index: Math.max(index, 0),
      count: versions.length,
      previous: () => {
        showAt(index - 1);
      },
      next: () => {
        showAt(index + 1);
      },
    };
  }

  #turn(sessionId: string): TurnView | null {
    return this.turns.all.find((turn) => turn.sessionId === sessionId) ?? null;
  }

  #want(reading: Reading): void {
    if (!this.#isRunning) return;
    if (this.#isReading) {
      if (this.#wanted !== 'all') this.#wanted = reading;
      return;
    }
    this.#isReading = true;
    void this.#read(reading, this.#run);
  }

  async #read(reading: Reading, run: number): Promise<void> {
    const isWhole = reading === 'all' || this.#view.conversation === null;
    try {
      const read = await this.#pages(isWhole ? null : this.#lastPage);
      if (run !== this.#run) return;
      this.#retry.succeeded();
      if (read === null) this.#isGone();
      else this.#take(read, isWhole);
    } catch (error) {
      if (run !== this.#run) return;
      const failure = asStreamError(error);
      // A token of a page that the API takes no more, for one.
      if (!isWhole) this.#wanted = 'all';
      else {
        const state = this.#view.state === 'ready' ? 'ready' : 'failed';
        this.#change({ state, error: failure });
        if (failure.retryable) this.#retry.schedule();
      }
    }
    this.#isReading = false;
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted !== null) this.#want(wanted);
  }

  async #pages(from: string | null): Promise<Pages | null> {
    const turns: Turn[] = [];
    let nextToken = from;
    for (;;) {
      const options = { limit: PAGE, nextToken };
      const page: ConversationTurns | null = await this.#client.conversations.get(
        this.conversationId,
        options,
      );
      if (page === null) return null;
      const { turns: some, nextToken: next, ...conversation } = page;
      turns.push(...some);
      if (next === null) return { conversation, turns, lastPage: nextToken };
      nextToken = next;
    }
  }

  #take({ conversation, turns, lastPage }: Pages, isWhole: boolean): void {
    this.#lastPage = lastPage;
    this.#view = { ...this.#view, state: 'ready', error: null, conversation };
    this.turns.take(turns, isWhole);
    this.#watch();
  }

  /** It isn't there: not yet, or no longer. */
  #isGone(): void {
    if (this.#view.state === 'ready') this.#deleted();
    else this.#change({ state: 'missing', error: null });
  }

  #deleted(): void {
    this.#stopWatching();
    this.#view = { ...this.#view, state: 'deleted', conversation: null, error: null };
    this.turns.clear();
  }

  #watch(): void {
    if (this.#unwatch !== null || this.#isRefused) return;
    let isFirst = true;
    this.#unwatch = this.#client.conversations.onUpdated(this.conversationId, {
      resync: () => {
        // What has changed since it was read, or since the connection was lost.
        if (isFirst) void this.#look(this.#run);
        else this.#want('all');
        isFirst = false;
      },
      event: (event) => {
        this.#event(event);
      },
      ended: (error) => {
        this.#stopWatching();
        this.#isRefused = true;
        if (error.kind === 'notFound') this.#want('all');
        else this.#change({ error: asStreamError(error) });
      },
    });
  }

  #stopWatching(): void {
    this.#unwatch?.();
    this.#unwatch = null;
  }

  /** Reads as little as says whether there is more to read. */
  async #look(run: number): Promise<void> {
    const before = this.#view.conversation;
    try {
      const page = await this.#client.conversations.get(this.conversationId, { limit: 1 });
      if (run !== this.#run) return;
      const isSame =
        page !== null &&
        page.turnCount === before?.turnCount &&
        page.updatedAt === before.updatedAt &&
        page.title === before.title;
      if (!isSame) this.#want('all');
    } catch {
      if (run === this.#run) this.#retry.schedule();
    }
  }

  #event({ kind, title, sessionId, timestamp }: ConversationEvent): void {
    switch (kind) {
      case 'TURN_STARTED':
        if (sessionId === null) return;
        this.turns.confirm(sessionId);
        this.#began(sessionId);
        if (!this.turns.has(sessionId)) this.#want('new');
        return;
      case 'TURN_ENDED':
        if (sessionId === null) return;
        this.turns.confirm(sessionId);
        if (!this.turns.has(sessionId)) this.#want('new');
        else if (!this.turns.isFollowed(sessionId)) void this.#settle(sessionId, this.#run);
        return;
      case 'RENAMED':
        if (title !== null) this.#patch({ title, updatedAt: timestamp });
        return;
      case 'DELETED':
        this.#deleted();
    }
  }

  async #settle(sessionId: string, run: number): Promise<void> {
    try {
      const stream = await this.#client.getStream(sessionId);
      if (run === this.#run) this.turns.settle(sessionId, stream);
    } catch {
      // Once it is shown, it is followed.
    }
  }

  /** A turn has begun, here or elsewhere. */
  #began(sessionId: string): void {
    const { conversation } = this.#view;
    if (conversation === null) this.#want('all');
    else if (conversation.lastSessionId !== sessionId) {
      this.#patch({ lastSessionId: sessionId, turnCount: conversation.turnCount + 1 });
    }
  }

  #patch(changes: Partial<Conversation>): void {
    const { conversation } = this.#view;
    if (conversation !== null) this.#change({ conversation: { ...conversation, ...changes } });
  }

  #change(changes: Partial<ConversationState>): void {
    const { all: turns, path } = this.turns;
    const answer = path.at(-1)?.answer ?? IDLE;
    this.#view = { ...this.#view, ...changes, turns, path, answer };
    for (const listener of this.#listeners) listener();
  }
}

interface Pages {
  conversation: Conversation;
  turns: Turn[];
  lastPage: string | null;
}
