/**
 * What the engine needs of a channel. There are two flavours: one that catches up by snapshots, `getStream` beside live events
 * (AppSync; `amplify.ts` is one over AWS Amplify), and one that keeps a session's events and goes on behind any of them (a
 * Function URL, a WebSocket API).
 */

import type { TokencastError } from './errors.js';
import type { Snapshot, StreamStatus, TokenEvent } from './types.js';

/** Catches up by snapshots. Starts and questions are calls beside the subscription, and outlive it. */
export interface Transport {
  startStream(sessionId: string, prompt: string, turn?: InConversation): Promise<void>;
  stopStream(sessionId: string): Promise<void>;
  /** `null` if there is no such session. */
  getStream(sessionId: string): Promise<Snapshot | null>;
  /** Subscribes once; returns how to end it. Reconnecting is the caller's part. */
  subscribe(sessionId: string, listener: Listener): () => void;
  /** Calls back when the network seems to be there again; returns how to end it. */
  onOnline(callback: () => void): () => void;
  /** How long to stay unsubscribed for the next subscription to get a new connection: the old one may be dead. */
  readonly freshAfterMs?: number;
}

/** What a start says besides its prompt: of which conversation a session is a turn, which it continues, and who answers. */
export interface InConversation {
  /** A UUID. An id that nobody has used yet begins a conversation. */
  conversationId?: string | undefined;
  /**
   * The session that it continues, which must be over. Left out: the last that is over. The conversation's own id: none, so
   * that it begins the conversation anew.
   */
  parentId?: string | undefined;
  /** The assistant that answers, one of `assistants`. Left out: the conversation's last, or else the default. */
  assistant?: string | undefined;
}

export interface Listener {
  /** The server has acknowledged: events from now on arrive. */
  established: () => void;
  event: (event: TokenEvent) => void;
  /** The subscription has ended, or never began. Nothing follows. */
  lost: (error: TokencastError) => void;
}

/** Replays. A connection is opened with what it asks for. */
export interface ReplayTransport {
  /** Connects once, and asks. Reconnecting is the caller's part. */
  open(sessionId: string, ask: Ask, listener: ConnectionListener): Connection;
  stopStream(sessionId: string): Promise<void>;
}

/** An event's place: its attempt, and its number within that. */
export interface Position {
  attempt: number;
  sequence: number;
}

/** To start a session, or to follow it behind an event; `null`: from its first. */
export type Ask = ({ prompt: string } & InConversation) | { after: Position | null };

export interface Connection {
  /**
   * Asks again on the same connection. Not there where events come in order, so that nothing is missing but by the
   * connection's end; a silence is looked into by `getStream` then.
   */
  ask?(after: Position | null): void;
  /** Nothing is told to the listener any more. */
  close(): void;
}

export interface ConnectionListener {
  /** Connected: what was asked is on its way. */
  asked: () => void;
  /** What was asked has been answered: the session is there. `null` if the answer doesn't say how it stands. */
  answered: (status: StreamStatus | null) => void;
  event: (event: TokenEvent) => void;
  /** The connection has ended, or never began. Nothing follows. */
  lost: (error: TokencastError, how?: Loss) => void;
}

export interface Loss {
  /** It ended in order, as one does whose session is over. */
  inOrder?: boolean;
  /** It stayed open without a word: it may have ended in order, and nobody was told. */
  silent?: boolean;
  /** What the server wants a client to wait. */
  retryMs?: number | null;
}
