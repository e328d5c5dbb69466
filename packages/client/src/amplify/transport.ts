/** The transport over AWS Amplify, for the user who is signed in there. */

import { generateClient } from 'aws-amplify/api';
import { Hub } from 'aws-amplify/utils';

import { HERE } from '../environment.js';
import { errorOfType, TokencastError } from '../errors.js';
import { isStaleToken } from '../graphql_errors.js';
import { calls, ON_TOKEN_RECEIVED } from '../operations.js';
import type { Listener, Transport } from '../transport.js';
import type { TokenEvent } from '../types.js';
import { errorOf } from './errors.js';
import { renewToken } from './tokens.js';
import { onUnaddressedError } from './unaddressed.js';

/** Amplify closes a socket a second after its last subscription; the next one opens another. */
const FRESH_AFTER_MS = 1_200;

/** AppSync over Amplify. Needs `configure`, or `Amplify.configure` before its first use. */
export function amplifyTransport(): Transport {
  const client = generateClient();
  /** Sessions whose subscription was refused for its token, and hasn't been accepted with the new one yet. */
  const renewed = new Set<string>();

  async function call<T>(query: string, variables: Variables): Promise<T> {
    try {
      return await once<T>(query, variables);
    } catch (error) {
      if (!isStaleToken(error)) throw error;
      await renewToken();
      return once<T>(query, variables);
    }
  }

  async function once<T>(query: string, variables: Variables): Promise<T> {
    try {
      const answer = await client.graphql({ query, variables });
      if ('data' in answer) return answer.data as T;
    } catch (error) {
      throw errorOf(error);
    }
    throw new TokencastError('connection', 'The API gave no answer');
  }

  return {
    freshAfterMs: FRESH_AFTER_MS,
    ...calls(call),
    subscribe(sessionId, listener) {
      const variables = { sessionId };
      const answer = client.graphql({ query: ON_TOKEN_RECEIVED, variables });
      if (!('subscribe' in answer)) throw new TypeError('not a subscription');
      let over = false;
      let accepted = false;
      const lost = (error: TokencastError): void => {
        if (!over) listener.lost(error);
      };
      const end = follow(answer as Observable, variables, {
        established: () => {
          accepted = true;
          renewed.delete(sessionId);
          listener.established();
        },
        event: listener.event,
        lost: (error) => {
          // A subscription that was accepted before is refused for its token, whatever the words.
          const expired = isStaleToken(error) || (accepted && error.kind === 'unauthorized');
          if (!expired || renewed.has(sessionId)) {
            lost(error);
            return;
          }
          renewed.add(sessionId);
          const ended = new TokencastError('connection', 'The token has expired', { cause: error });
          renewToken().then(() => {
            lost(ended);
          }, lost);
        },
      });
      return () => {
        over = true;
        end();
      };
    },
    onOnline: HERE.onOnline,
  };
}

type Variables = Record<string, string>;

interface Observable {
  subscribe(observer: {
    next(message: { data?: { onTokenReceived?: TokenEvent | null } }): void;
    error(error: unknown): void;
    complete(): void;
  }): { unsubscribe(): void };
}

/** States of Amplify's connection in which no events arrive. It tries again itself, but only after 5 s, then each minute. */
const LOST = new Set(['ConnectionDisrupted', 'ConnectionDisruptedPendingNetwork', 'Disconnected']);

/** Subscriptions that aren't acknowledged yet. */
const pending = new Set<object>();

/** One subscription. That it is established, and that its connection was lost, Amplify tells on its hub only. */
function follow(observable: Observable, variables: Variables, listener: Listener): () => void {
  let established = false;
  let over = false;
  pending.add(variables);
  const end = (): void => {
    if (over) return;
    over = true;
    pending.delete(variables);
    stopListening();
    stopWatching();
    subscription.unsubscribe();
  };
  const lose = (error: TokencastError): void => {
    if (over) return;
    end();
    listener.lost(error);
  };
  const stopListening = Hub.listen('api', ({ payload }: HubCapsule) => {
    const { event, data } = payload;
    if (event === 'Subscription ack' && data?.variables === variables) {
      established = true;
      pending.delete(variables);
      listener.established();
    } else if (event === 'ConnectionStateChange' && established) {
      const state = data?.connectionState ?? '';
      if (LOST.has(state)) lose(new TokencastError('connection', 'The connection was lost'));
    }
  });
  const stopWatching = onUnaddressedError(({ errorType, message }) => {
    const error = errorOfType(errorType, message);
    // It may be about any of them, so that it is final only for one that is alone.
    const about = !established && pending.size === 1;
    if (about || isStaleToken(error)) lose(error);
    else lose(new TokencastError('connection', error.message, { cause: error }));
  });
  const subscription = observable.subscribe({
    next: ({ data }) => {
      if (data?.onTokenReceived && !over) listener.event(data.onTokenReceived);
    },
    error: (error) => {
      lose(errorOf(error));
    },
    complete: () => {
      lose(new TokencastError('connection', 'The subscription was ended by the server'));
    },
  });
  return end;
}

interface HubCapsule {
  payload: { event: string; data?: { variables?: unknown; connectionState?: string } };
}
