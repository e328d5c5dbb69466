/** The transport over AWS Amplify, for the user who is signed in there. */

import { generateClient } from 'aws-amplify/api';
import { Hub } from 'aws-amplify/utils';

import { HERE } from '../environment.js';
import { errorOfType, TokencastError } from '../errors.js';
import { isStaleToken } from '../graphql_errors.js';
import {
  transportOver,
  type GraphqlApi,
  type Subscription,
  type SubscriptionListener,
  type Variables,
} from '../graphql_api.js';
import { Renewal } from '../renewal.js';
import { subjectOf } from '../tokens.js';
import type { Transport } from '../transport.js';
import { errorOf } from './errors.js';
import { amplifyTokens, renewToken } from './tokens.js';
import { onUnaddressedError } from './unaddressed.js';

/** Amplify closes a socket a second after its last subscription; the next one opens another. */
const FRESH_AFTER_MS = 1_200;

/** An API over Amplify. Needs `configure`, or `Amplify.configure` before its first use. */
export function amplifyApi(): GraphqlApi {
  const client = generateClient();
  const renewal = new Renewal();

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
    call,
    subscribe(subscription, listener) {
      let over = false;
      const renewed = renewal.listener(
        subscription,
        {
          ...listener,
          lost: (error) => {
            if (!over) listener.lost(error);
          },
        },
        renewToken,
      );
      // Amplify's hub tells what of by this very object.
      const variables = { ...subscription.variables };
      const answer = client.graphql({ query: subscription.query, variables });
      if (!('subscribe' in answer)) throw new TypeError('not a subscription');
      const end = follow(answer as Observable, { ...subscription, variables }, renewed);
      return () => {
        over = true;
        end();
      };
    },
    owner: async () => subjectOf(await amplifyTokens()),
    onOnline: HERE.onOnline,
  };
}

/** AppSync over Amplify. Needs `configure`, or `Amplify.configure` before its first use. */
export function amplifyTransport(): Transport {
  return transportOver(amplifyApi());
}

interface Observable {
  subscribe(observer: {
    next(message: { data?: Record<string, unknown> | null }): void;
    error(error: unknown): void;
    complete(): void;
  }): { unsubscribe(): void };
}

/** States of Amplify's connection in which no events arrive. It tries again itself, but only after 5 s, then each minute. */
const LOST = new Set(['ConnectionDisrupted', 'ConnectionDisruptedPendingNetwork', 'Disconnected']);

/** Subscriptions that aren't acknowledged yet. */
const pending = new Set<object>();

/** One subscription. That it is established, and that its connection was lost, Amplify tells on its hub only. */
function follow(
  observable: Observable,
  { variables, field }: Subscription,
  listener: SubscriptionListener,
): () => void {
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
      if (data?.[field] != null && !over) listener.event(data[field]);
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
