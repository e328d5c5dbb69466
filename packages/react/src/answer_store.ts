/** What a page shows of one session at a time: follows its events, and tells at most once per frame. */

import {
  newSessionId,
  withPiece,
  type AnswerEvent,
  type AnswerStream,
  type InConversation,
  type Piece,
  type StreamError,
  type TokencastClient,
  type StopSignal,
} from '@tokencast/client';

import { mustBeClient, mustBeText } from './arguments.js';
import { asStreamError, IDLE, isOver, type AnswerView } from './answer_view.js';
import {
  abortController,
  afterNextFrame,
  isOnline,
  now,
  onOnline,
  type AbortLike,
} from './page.js';
import { ReasoningTime } from './reasoning.js';

interface Asked {
  sessionId: string;
  prompt: string;
  turn: InConversation;
  /** Nobody can have seen any of its answer yet. */
  isNew: boolean;
}

/** What `useStream` reads, for whom another framework shows it. */
export class AnswerStore {
  #client: TokencastClient;
  readonly #listeners = new Set<() => void>();
  #view = IDLE;
  /** What the next view will be. */
  #next = IDLE;
  #cancelFrame: (() => void) | null = null;
  #stop: AbortLike | null = null;
  #leave: (() => void) | null = null;
  /** The question that is being asked here, to be sent again if it didn't arrive. */
  #asked: Asked | null = null;
  #reasoning = new ReasoningTime();

  /** @throws `TypeError` if it is no client */
  constructor(client: TokencastClient) {
    mustBeClient(client);
    this.#client = client;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly view = (): AnswerView => this.#view;

  /** From now on, over this client; an answer that is followed goes on as it came. */
  use(client: TokencastClient): void {
    mustBeClient(client);
    this.#client = client;
  }

  /**
   * Sends a prompt, once there is a network, and follows its answer. Returns the new session's id.
   *
   * @throws `TypeError` if it is no string; then nothing changes
   */
  ask(prompt: string, turn: InConversation = {}): string {
    mustBeText('prompt', prompt);
    const sessionId = newSessionId();
    this.#send({ sessionId, prompt, turn, isNew: true });
    return sessionId;
  }

  /**
   * Follows a session that exists, unless it does so already. With an `unsent` prompt it may not exist yet: sending it twice
   * starts nothing twice.
   */
  resume(sessionId: string, unsent: string | null = null, turn: InConversation = {}): void {
    mustBeText('sessionId', sessionId);
    if (unsent !== null) mustBeText('unsent', unsent);
    if (this.#next.sessionId === sessionId) return;
    if (unsent === null) this.reload(sessionId);
    else this.#send({ sessionId, prompt: unsent, turn, isNew: false });
  }

  /** Follows a session from its beginning; sends its question first if the API doesn't know of it. */
  reload(sessionId: string): void {
    mustBeText('sessionId', sessionId);
    const { sessionId: followed, sent } = this.#next;
    if (this.#asked?.sessionId === sessionId && followed === sessionId && !sent) {
      this.#send(this.#asked);
      return;
    }
    this.#asked = null;
    this.#follow(sessionId, (signal) => this.#client.resumeStream(sessionId, { signal }));
  }

  #send(asked: Asked): void {
    const { sessionId, prompt, turn } = asked;
    this.#asked = asked;
    if (isOnline()) {
      this.#follow(sessionId, (signal) =>
        this.#client.streamPrompt(prompt, { ...turn, sessionId, signal }),
      );
    } else {
      this.#leave?.();
      this.#stop = null;
      this.#next = { ...IDLE, sessionId };
      this.#waitForNetwork(null);
    }
  }

  /** The question stays here, and is sent once the network is there, with or without an error meanwhile. */
  #waitForNetwork(error: StreamError | null): void {
    const back = (): void => {
      if (this.#asked !== null) this.#send(this.#asked);
    };
    this.#leave = onOnline(back);
    this.#change({ phase: error === null ? 'unsent' : 'failed', error, reconnecting: false });
    this.#tell();
  }

  /** Stops the session, for everybody who listens. */
  stop(): void {
    if (!this.#stop || isOver(this.#next.phase)) return;
    this.#change({ stopping: true });
    this.#tell();
    this.#stop.abort();
  }

  /** Follows nothing any more; the session goes on. */
  leave(): void {
    this.#leave?.();
    this.#leave = null;
    this.#stop = null;
    this.#asked = null;
    this.#next = IDLE;
    this.#tell();
  }

  #follow(sessionId: string, open: (signal: StopSignal) => AnswerStream): void {
    this.#leave?.();
    this.#stop = abortController();
    const sent = this.#asked === null;
    this.#next = { ...IDLE, sessionId, phase: 'connecting', sent };
    this.#reasoning = new ReasoningTime();
    this.#tell();
    const events = open(this.#stop.signal)[Symbol.asyncIterator]();
    const askedAt = now();
    let left = false;
    this.#leave = () => {
      left = true;
      void events.return?.();
    };
    const read = async (): Promise<void> => {
      try {
        for (;;) {
          const next = await events.next();
          if (next.done === true || left) return;
          this.#event(next.value, askedAt);
        }
      } catch (error) {
        if (!left) this.#failed(error);
      }
    };
    void read();
  }

  #failed(thrown: unknown): void {
    const error = asStreamError(thrown);
    const isLost = error.code === 'CONNECTION';
    if (isLost && !this.#next.sent && !this.#next.stopping) {
      this.#leave?.();
      this.#waitForNetwork(isOnline() ? { ...error, code: 'UNSENT' } : null);
      return;
    }
    const sent = this.#next.sent || !isLost;
    this.#change({ phase: 'failed', error, sent, stopping: false, reconnecting: false });
    this.#tell();
  }

  #event(event: AnswerEvent, askedAt: number): void {
    const view = this.#next;
    if (event.type !== 'reconnecting' && event.type !== 'reconnected') this.#change({ sent: true });
    switch (event.type) {
      case 'started':
        this.#change({ phase: 'thinking' });
        break;
      case 'status':
        if (view.text === '') {
          this.#change({ phase: event.status === 'QUEUED' ? 'queued' : 'thinking' });
        }
        break;
      case 'text':
        this.#piece(event);
        this.#text(event.text, askedAt);
        return;
      case 'reasoning':
      case 'citation':
      case 'toolUse':
      case 'toolResult':
        this.#piece(event);
        if (!view.stopping) this.#tellSoon();
        return;
      case 'restarted':
        this.#reasoning = new ReasoningTime();
        this.#change({
          text: '',
          blocks: [],
          reasoningMs: null,
          knownLength: 0,
          phase: 'thinking',
          restarts: view.restarts + 1,
        });
        break;
      case 'reconnecting':
        this.#change({ reconnecting: true });
        break;
      case 'reconnected':
        this.#change({ reconnecting: false });
        break;
      case 'completed':
      case 'cancelled': {
        const { type: phase, usage, stopReason, guardrail = null } = event;
        const ended = { phase, usage, stopReason, guardrail };
        this.#change({ ...ended, stopping: false, reconnecting: false });
        this.#reasoned(false);
        this.#askHowLong();
        break;
      }
      case 'failed': {
        const { type: phase, usage, guardrail = null, ...error } = event;
        this.#change({ phase, error, usage, guardrail, stopping: false, reconnecting: false });
        this.#reasoned(false);
        this.#askHowLong();
      }
    }
    this.#tell();
  }

  #piece(piece: Piece): void {
    this.#reasoned(piece.type === 'reasoning');
    this.#change({ blocks: withPiece(this.#next.blocks, piece) });
  }

  /** Who asks sees each piece as it comes. What was there before came at another time. */
  #reasoned(isReasoning: boolean): void {
    if (this.#asked?.isNew !== true) return;
    this.#reasoning.piece(isReasoning, now());
    this.#change({ reasoningMs: this.#reasoning.ms });
  }

  /** The record knows how long the model reasoned where this page can't have seen it. */
  #askHowLong(): void {
    const { sessionId, blocks, reasoningMs } = this.#next;
    const hasReasoned = blocks.some(({ type }) => type === 'REASONING');
    if (sessionId === null || reasoningMs !== null || !hasReasoned) return;
    this.#client.getStream(sessionId).then(
      (stream) => {
        if (this.#next.sessionId !== sessionId || stream?.reasoningMs == null) return;
        this.#change({ reasoningMs: stream.reasoningMs });
        this.#tell();
      },
      // It is shown without a time.
      () => undefined,
    );
  }

  #text(text: string, askedAt: number): void {
    const first = this.#next.text === '';
    this.#change({ text: this.#next.text + text, phase: 'streaming' });
    if (!first) {
      // Who has stopped it reads no further; what comes meanwhile is shown with the end, and delays it not.
      if (!this.#next.stopping) this.#tellSoon();
      return;
    }
    if (this.#asked?.isNew !== true) {
      // What there was comes as one piece. When its first token came, nobody here knows.
      if (this.#next.restarts === 0) this.#change({ knownLength: text.length });
    } else if (this.#next.timeToFirstTokenMs === null) {
      this.#change({ timeToFirstTokenMs: now() - askedAt });
    }
    this.#tell();
  }

  #change(changes: Partial<AnswerView>): void {
    this.#next = { ...this.#next, ...changes };
  }

  #tellSoon(): void {
    this.#cancelFrame ??= afterNextFrame(() => {
      this.#tell();
    });
  }

  #tell(): void {
    this.#cancelFrame?.();
    this.#cancelFrame = null;
    if (this.#view === this.#next) return;
    this.#view = this.#next;
    for (const listener of this.#listeners) listener();
  }
}
