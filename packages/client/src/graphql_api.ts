/** What it takes to speak GraphQL to an API, with Amplify or without it; and a session's transport over it. */

import type { TokencastError } from './errors.js';
import { GET_STREAM, ON_TOKEN_RECEIVED, START_STREAM, STOP_STREAM } from './operations.js';
import type { InConversation, Transport } from './transport.js';
import type { Snapshot, TokenEvent } from './types.js';

export type Variables = Record<string, string | number | null>;

/** Sends a document over HTTP, and gives its data. */
export type Call = <T>(query: string, variables: Variables) => Promise<T>;

/** A subscription's document, and the one field that it selects. */
export interface Subscription {
  query: string;
  field: string;
  variables: Record<string, string>;
}

export interface SubscriptionListener {
  /** The server has acknowledged: events from now on arrive. */
  established: () => void;
  /** The field's data. */
  event: (data: unknown) => void;
  /** The subscription has ended, or never began. Nothing follows. After a refused token the next try has a new one. */
  lost: (error: TokencastError) => void;
}

export interface GraphqlApi {
  readonly call: Call;
  /** Subscribes once; returns how to end it. Reconnecting is the caller's part. */
  readonly subscribe: (subscription: Subscription, listener: SubscriptionListener) => () => void;
  /** The user's `sub`. */
  readonly owner: () => Promise<string>;
  /** Calls back when the network seems to be there again; returns how to end it. */
  readonly onOnline: (callback: () => void) => () => void;
  /** How long to stay unsubscribed for the next subscription to get a new connection: the old one may be dead. */
  readonly freshAfterMs: number;
}

/** Sessions over an API. */
export function transportOver({ call, subscribe, onOnline, freshAfterMs }: GraphqlApi): Transport {
  return {
    freshAfterMs,
    onOnline,
    async startStream(sessionId, prompt, turn = {}) {
      await call(START_STREAM, { sessionId, prompt, ...placeOf(turn) });
    },
    async stopStream(sessionId) {
      await call(STOP_STREAM, { sessionId });
    },
    async getStream(sessionId) {
      const { getStream } = await call<{ getStream: Snapshot | null }>(GET_STREAM, { sessionId });
      return getStream;
    },
    subscribe: (sessionId, { established, event, lost }) =>
      subscribe(
        { query: ON_TOKEN_RECEIVED, field: 'onTokenReceived', variables: { sessionId } },
        {
          established,
          lost,
          event: (data) => {
            event(data as TokenEvent);
          },
        },
      ),
  };
}

/** Only what there is of it: a start says the same whenever it is sent. */
export function placeOf({
  conversationId,
  parentId,
  assistant,
}: InConversation): Record<string, string> {
  return {
    ...(conversationId === undefined ? {} : { conversationId }),
    ...(parentId === undefined ? {} : { parentId }),
    ...(assistant === undefined ? {} : { assistant }),
  };
}
