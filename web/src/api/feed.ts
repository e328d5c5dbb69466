/** What the client library needs of a delivery that keeps a session's events: it goes on behind what a client has. */

import type { TokencastError } from './errors';
import type { StreamStatus, TokenEvent } from './types';

/** Behind which event to go on. */
export interface Position {
  attempt: number;
  sequence: number;
}

/** Starts a session, or goes on with one; `null`: from its first event. */
export type Ask = { prompt: string } | { after: Position | null };

export interface Feed {
  /** Connects once, and asks. Reconnecting is the caller's part. */
  open(sessionId: string, ask: Ask, listener: FeedListener): Connection;
  stopStream(sessionId: string): Promise<void>;
}

export interface Connection {
  /**
   * Asks again on the same connection. Not there where events come in order, so that nothing is missing but by the
   * connection's end; a silence is looked into by `getStream` then.
   */
  ask?(after: Position | null): void;
  /** Nothing is told to the listener any more. */
  close(): void;
}

export interface FeedListener {
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
