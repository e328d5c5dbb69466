/** An API with one user's conversations, whose connections and answers a test directs. */

import {
  TokencastError,
  type AnswerEvent,
  type Conversation,
  type ConversationEvent,
  type ConversationListener,
  type Conversations,
  type Snapshot,
  type TokencastClient,
  type Turn,
} from '@tokencast/client';

type Step = AnswerEvent | TokencastError;

/** One answer that is followed: events that a test says. */
class Answer {
  readonly #steps: Step[] = [];
  #wake: () => void = () => undefined;
  stopped = false;
  left = false;

  say(...steps: Step[]): void {
    this.#steps.push(...steps);
    this.#wake();
  }

  events(): AsyncIterator<AnswerEvent, undefined> {
    return {
      next: async () => {
        while (this.#steps.length === 0) await new Promise<void>((wake) => (this.#wake = wake));
        const step = this.#steps.shift();
        if (step === undefined || step instanceof TokencastError) throw step ?? new Error('none');
        return { done: false, value: step };
      },
      return: () => {
        this.left = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

interface Started {
  prompt: string;
  conversationId?: string | undefined;
  parentId?: string | undefined;
  assistant?: string;
}

export const CONVERSATION = '0f000000-0000-4000-8000-000000000001';

export const done = (text: string): Snapshot => ({
  status: 'COMPLETED',
  text,
  blocks: [{ index: 0, type: 'TEXT', text }],
  sequence: 2,
  attempt: 1,
});

export const running = (text: string): Snapshot => ({ ...done(text), status: 'STREAMING' });

export const turn = (
  sessionId: string,
  parentId: string | null,
  stream: Snapshot | null = done(`answer of ${sessionId}`),
): Turn => ({ sessionId, parentId, prompt: `question ${sessionId}`, stream, createdAt: sessionId });

export const text = (piece: string, sequence = 1): AnswerEvent => ({
  type: 'text',
  text: piece,
  blockIndex: 0,
  sequence,
  attempt: 1,
});

export const completed: AnswerEvent = { type: 'completed', stopReason: 'end_turn', usage: null };

export class FakeApi {
  /** What was asked of the API, in its order. */
  readonly log: string[] = [];
  assistants: TokencastClient['assistants'] = () => Promise.resolve([]);
  readonly conversations = new Map<string, { head: Conversation; turns: Turn[] }>();
  readonly records = new Map<string, Snapshot | null>();
  /** What was started, by session. */
  readonly started = new Map<string, Started>();
  readonly answers = new Map<string, Answer>();
  /** Who hears of changes: by conversation, or by `all`. */
  readonly listeners = new Map<string, ConversationListener>();
  /** The next call of that name fails. */
  readonly failures = new Map<string, TokencastError>();
  pageSize = 100;
  #tick = 0;

  readonly client: TokencastClient;

  constructor() {
    const follow = (sessionId: string): AsyncIterable<AnswerEvent> & { sessionId: string } => ({
      sessionId,
      [Symbol.asyncIterator]: () => this.answer(sessionId).events(),
    });
    this.client = {
      streamPrompt: (
        prompt,
        { sessionId = '', conversationId, parentId, assistant, signal } = {},
      ) => {
        this.log.push(`start ${prompt}`);
        this.started.set(sessionId, {
          prompt,
          conversationId,
          parentId,
          ...(assistant && { assistant }),
        });
        const answer = new Answer();
        this.answers.set(sessionId, answer);
        signal?.addEventListener('abort', () => (answer.stopped = true));
        return follow(sessionId);
      },
      resumeStream: (sessionId, { signal } = {}) => {
        this.log.push(`resume ${sessionId}`);
        const answer = new Answer();
        this.answers.set(sessionId, answer);
        signal?.addEventListener('abort', () => (answer.stopped = true));
        return follow(sessionId);
      },
      stopStream: () => Promise.resolve(),
      getStream: (sessionId) => {
        this.log.push(`getStream ${sessionId}`);
        return Promise.resolve(this.records.get(sessionId) ?? null);
      },
      conversations: this.#conversations(),
      assistants: () => {
        this.log.push('assistants');
        return this.assistants();
      },
      usage: () => Promise.reject(new Error('nobody asks')),
    };
  }

  answer(sessionId: string): Answer {
    const answer = this.answers.get(sessionId);
    if (answer === undefined) throw new Error(`nobody follows ${sessionId}`);
    return answer;
  }

  /** Its head changes, as with each start. */
  add(conversationId: string, ...turns: Turn[]): void {
    const known = this.conversations.get(conversationId);
    const all = [...(known?.turns ?? []), ...turns];
    this.#tick += 1;
    const updatedAt = `2026-01-01T00:00:00.${String(this.#tick).padStart(3, '0')}Z`;
    const head = {
      conversationId,
      title: known?.head.title ?? `title of ${conversationId}`,
      lastSessionId: all.at(-1)?.sessionId ?? null,
      turnCount: all.length,
      createdAt: known?.head.createdAt ?? updatedAt,
      updatedAt,
    };
    // The one with the newest turn is the last of the map.
    this.conversations.delete(conversationId);
    this.conversations.set(conversationId, { head, turns: all });
  }

  tell(
    listener: string,
    event: Partial<ConversationEvent> & Pick<ConversationEvent, 'kind'>,
  ): void {
    this.listeners.get(listener)?.event({
      conversationId: listener,
      owner: 'somebody',
      title: null,
      sessionId: null,
      parentId: null,
      status: null,
      timestamp: '2027-01-01T00:00:00.000Z',
      ...event,
    });
  }

  count(entry: string): number {
    return this.log.filter((one) => one === entry || one.startsWith(`${entry} `)).length;
  }

  #conversations(): Conversations {
    const call = async <T>(name: string, what: string, answer: () => T): Promise<T> => {
      this.log.push(`${name} ${what}`.trim());
      const failure = this.failures.get(name);
      this.failures.delete(name);
      if (failure !== undefined) throw failure;
      return Promise.resolve(answer());
    };
    const listen = (key: string, listener: ConversationListener): (() => void) => {
      this.log.push(`listen ${key}`);
      this.listeners.set(key, listener);
      return () => {
        if (this.listeners.get(key) === listener) this.listeners.delete(key);
      };
    };
    return {
      owner: () => Promise.resolve('somebody'),
      list: ({ nextToken } = {}) =>
        call('list', nextToken ?? '', () => {
          const from = Number(nextToken ?? 0);
          const all = [...this.conversations.values()].map(({ head }) => head).reverse();
          const items = all.slice(from, from + this.pageSize);
          const next = from + items.length;
          return { items, nextToken: next < all.length ? String(next) : null };
        }),
      get: (id, { limit = this.pageSize, nextToken } = {}) =>
        call('get', `${limit} ${nextToken ?? ''}`.trim(), () => {
          const conversation = this.conversations.get(id);
          if (conversation === undefined) return null;
          const from = Number(nextToken ?? 0);
          const turns = conversation.turns.slice(from, from + Math.min(limit, this.pageSize));
          const next = from + turns.length;
          const nextOne = next < conversation.turns.length ? String(next) : null;
          return { ...conversation.head, turns, nextToken: nextOne };
        }),
      getAll: () => Promise.reject(new Error('pages are read one by one')),
      rename: (id, title) =>
        call('rename', title, () => {
          const conversation = this.conversations.get(id);
          if (conversation === undefined) throw new TokencastError('notFound', 'none');
          conversation.head = { ...conversation.head, title };
          return conversation.head;
        }),
      delete: (id) =>
        call('delete', id, () => {
          this.conversations.delete(id);
        }),
      export: () => Promise.resolve(''),
      onUpdated: (id, listener) => listen(id, listener),
      onAllUpdated: (listener) => listen('all', listener),
    };
  }
}
