/** The list of a user's conversations, without React: it is read by pages, and follows what happens elsewhere. */

import type {
  Conversation,
  ConversationEvent,
  StreamError,
  TokencastClient,
} from '@tokencast/client';

import { mustBeClient } from './arguments.js';
import { asStreamError } from './answer_view.js';
import { Retry } from './retry.js';

/** The list, without what can be done. */
export interface ConversationsState {
  items: readonly Conversation[];
  state: 'loading' | 'ready' | 'failed';
  error: StreamError | null;
  hasMore: boolean;
  loadingMore: boolean;
}

const EMPTY: ConversationsState = {
  items: [],
  state: 'loading',
  error: null,
  hasMore: false,
  loadingMore: false,
};

export class ConversationsStore {
  #client: TokencastClient;
  readonly #listeners = new Set<() => void>();
  #view = EMPTY;
  #nextToken: string | null = null;
  /** The list lags behind: these are gone, whatever it says. */
  readonly #deleted = new Set<string>();
  /** And these are there: begun since the list was read. */
  readonly #begun = new Set<string>();
  /** Counts readings: what an earlier one brings is late. */
  #reading = 0;
  /** Once the present reading is done, the list is to be read once more. */
  #again = false;
  #end: (() => void) | null = null;
  readonly #retry = new Retry(() => {
    this.reload();
  });

  /** @throws `TypeError` if it is no client */
  constructor(client: TokencastClient) {
    mustBeClient(client);
    this.#client = client;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly view = (): ConversationsState => this.#view;

  /** Reads the list, and follows it from now on. */
  start(client: TokencastClient): void {
    this.stop();
    this.#client = client;
    this.reload();
    this.#end = client.conversations.onAllUpdated({
      resync: () => {
        // What changed before is in the next reading. The first isn't given up for it.
        if (this.#view.state === 'loading') this.#again = true;
        else void this.#read();
      },
      event: (event) => {
        this.#event(event);
      },
      ended: (error) => {
        this.#change({ error: asStreamError(error) });
      },
    });
  }

  /** Follows it no more. */
  stop(): void {
    this.#reading += 1;
    this.#retry.cancel();
    this.#end?.();
    this.#end = null;
  }

  reload(): void {
    if (this.#view.state === 'failed') this.#change({ state: 'loading' });
    void this.#read();
  }

  more(): void {
    const nextToken = this.#nextToken;
    if (nextToken === null || this.#view.loadingMore) return;
    this.#change({ loadingMore: true });
    const reading = this.#reading;
    this.#client.conversations.list({ nextToken }).then(
      (page) => {
        if (reading !== this.#reading) return;
        this.#nextToken = page.nextToken;
        const known = new Set(this.#view.items.map(idOf));
        const older = page.items.filter((item) => !known.has(idOf(item)) && !this.#isGone(item));
        const items = [...this.#view.items, ...older];
        this.#change({ items, hasMore: page.nextToken !== null, loadingMore: false, error: null });
      },
      (error: unknown) => {
        if (reading !== this.#reading) return;
        this.#change({ loadingMore: false, error: asStreamError(error) });
      },
    );
  }

  async rename(conversationId: string, title: string): Promise<boolean> {
    const before = this.#view.items.find((item) => idOf(item) === conversationId);
    this.#patch(conversationId, { title });
    try {
      const renamed = await this.#client.conversations.rename(conversationId, title);
      this.#patch(conversationId, { title: renamed.title, updatedAt: renamed.updatedAt });
      this.#change({ error: null });
      return true;
    } catch (error) {
      const shown = this.#view.items.find((item) => idOf(item) === conversationId);
      // Somebody else may have given it another one meanwhile.
      if (before !== undefined && shown?.title === title) {
        this.#patch(conversationId, { title: before.title });
      }
      this.#change({ error: asStreamError(error) });
      return false;
    }
  }

  async remove(conversationId: string): Promise<boolean> {
    const place = this.#view.items.findIndex((item) => idOf(item) === conversationId);
    const removed = this.#view.items[place];
    this.#drop(conversationId);
    try {
      await this.#client.conversations.delete(conversationId);
      this.#change({ error: null });
      return true;
    } catch (error) {
      this.#deleted.delete(conversationId);
      const { items } = this.#view;
      const isBack = items.some((item) => idOf(item) === conversationId);
      this.#change({
        error: asStreamError(error),
        items:
          removed === undefined || isBack
            ? items
            : [...items.slice(0, place), removed, ...items.slice(place)],
      });
      return false;
    }
  }

  async #read(): Promise<void> {
    const reading = (this.#reading += 1);
    this.#again = false;
    this.#change({ loadingMore: false });
    const begunBefore = new Set(this.#begun);
    try {
      const items: Conversation[] = [];
      let nextToken: string | null = null;
      const wanted = this.#view.items.length;
      do {
        const page = await this.#client.conversations.list({ nextToken });
        if (reading !== this.#reading) return;
        items.push(...page.items);
        ({ nextToken } = page);
      } while (nextToken !== null && items.length < wanted);
      this.#retry.succeeded();
      this.#nextToken = nextToken;
      this.#take(items, begunBefore);
      this.#readAgain();
    } catch (error) {
      if (reading !== this.#reading) return;
      const failure = asStreamError(error);
      const state = this.#view.state === 'ready' ? 'ready' : 'failed';
      this.#change({ state, error: failure });
      if (failure.retryable) this.#retry.schedule();
    }
  }

  /** It changed while it was read. */
  #readAgain(): void {
    if (this.#again) void this.#read();
  }

  /** What was read, with what is known to be newer. */
  #take(read: Conversation[], begunBefore: ReadonlySet<string>): void {
    const known = new Map(this.#view.items.map((item) => [idOf(item), item]));
    const listed = new Set(read.map(idOf));
    const items = unique(read)
      .filter((item) => !this.#isGone(item))
      .map((item) => newer(known.get(idOf(item)), item));
    const missing = this.#view.items.filter(
      (item) => this.#begun.has(idOf(item)) && !listed.has(idOf(item)),
    );
    // Once they are listed the list has caught up with them. Those of a reading ago that still aren't are gone.
    for (const id of this.#begun) {
      if (listed.has(id) || begunBefore.has(id)) this.#begun.delete(id);
    }
    this.#change({
      items: [...missing, ...items],
      state: 'ready',
      error: null,
      hasMore: this.#nextToken !== null,
    });
  }

  #event({ kind, conversationId, title, sessionId, timestamp }: ConversationEvent): void {
    switch (kind) {
      case 'DELETED':
        this.#drop(conversationId);
        return;
      case 'RENAMED':
        if (title !== null) this.#patch(conversationId, { title, updatedAt: timestamp });
        return;
      case 'TURN_STARTED': {
        const item = this.#view.items.find((one) => idOf(one) === conversationId);
        if (item === undefined) {
          void this.#find(conversationId);
          return;
        }
        const turnCount = item.lastSessionId === sessionId ? item.turnCount : item.turnCount + 1;
        const lastSessionId = sessionId ?? item.lastSessionId;
        this.#toFront({ ...item, turnCount, lastSessionId, updatedAt: timestamp });
        return;
      }
      case 'TURN_ENDED':
    }
  }

  /** A conversation that isn't listed yet. */
  async #find(conversationId: string): Promise<void> {
    try {
      const found = await this.#client.conversations.get(conversationId, { limit: 1 });
      if (found === null || this.#isGone(found)) return;
      const { title, lastSessionId, turnCount, createdAt, updatedAt } = found;
      this.#toFront({ conversationId, title, lastSessionId, turnCount, createdAt, updatedAt });
    } catch {
      // The next reading has it.
    }
  }

  #toFront(item: Conversation): void {
    this.#begun.add(idOf(item));
    const others = this.#view.items.filter((other) => idOf(other) !== idOf(item));
    this.#change({ items: [item, ...others] });
  }

  #patch(conversationId: string, changes: Partial<Conversation>): void {
    this.#change({
      items: this.#view.items.map((item) =>
        idOf(item) === conversationId ? { ...item, ...changes } : item,
      ),
    });
  }

  #drop(conversationId: string): void {
    this.#deleted.add(conversationId);
    this.#begun.delete(conversationId);
    this.#change({ items: this.#view.items.filter((item) => idOf(item) !== conversationId) });
  }

  #isGone(item: Conversation): boolean {
    return this.#deleted.has(idOf(item));
  }

  #change(changes: Partial<ConversationsState>): void {
    this.#view = { ...this.#view, ...changes };
    for (const listener of this.#listeners) listener();
  }
}

function idOf({ conversationId }: Conversation): string {
  return conversationId;
}

/** The list may name one twice: on two pages, if it moved between them. */
function unique(items: readonly Conversation[]): Conversation[] {
  return [...new Map(items.map((item) => [idOf(item), item])).values()];
}

function newer(known: Conversation | undefined, read: Conversation): Conversation {
  return known !== undefined && known.updatedAt > read.updatedAt ? known : read;
}
