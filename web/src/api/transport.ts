/** What the client library needs of a GraphQL client. `amplify.ts` is one over AWS Amplify. */

import type { TokencastError } from './errors';
import type { Snapshot, TokenEvent } from './types';

export interface Transport {
  startStream(sessionId: string, prompt: string): Promise<void>;
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

export interface Listener {
  /** The server has acknowledged: events from now on arrive. */
  established: () => void;
  event: (event: TokenEvent) => void;
  /** The subscription has ended, or never began. Nothing follows. */
  lost: (error: TokencastError) => void;
}
