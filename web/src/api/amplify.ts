/** The transport over AWS Amplify, for the user who is signed in there. */

import { generateClient } from 'aws-amplify/api';
import { fetchAuthSession } from 'aws-amplify/auth';
import { Hub } from 'aws-amplify/utils';

import { asTokencastError, errorOfType, TokencastError } from './errors';
import { onOnline } from './online';
import { GET_STREAM, ON_TOKEN_RECEIVED, START_STREAM, STOP_STREAM } from './operations';
import type { Listener, Transport } from './transport';
import type { Snapshot, TokenEvent } from './types';

/** Needs `Amplify.configure` before its first use. */
export function amplifyTransport(): Transport {
  const client = generateClient();

  async function call<T>(query: string, variables: Variables): Promise<T> {
    try {
      return await once<T>(query, variables);
    } catch (error) {
      if (!isStaleToken(error)) throw error;
      await fetchAuthSession({ forceRefresh: true });
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
    async startStream(sessionId, prompt) {
      await call(START_STREAM, { sessionId, prompt });
    },
    async stopStream(sessionId) {
      await call(STOP_STREAM, { sessionId });
    },
    async getStream(sessionId) {
      const { getStream } = await call<{ getStream: Snapshot | null }>(GET_STREAM, { sessionId });
      return getStream;
    },
    subscribe(sessionId, listener) {
      const open = (lost: Listener['lost']): (() => void) => {
        const variables = { sessionId };
        const answer = client.graphql({ query: ON_TOKEN_RECEIVED, variables });
        if (!('subscribe' in answer)) throw new TypeError('not a subscription');
        return follow(answer as Observable, variables, { ...listener, lost });
      };
      const again = async (error: TokencastError): Promise<void> => {
        try {
          await fetchAuthSession({ forceRefresh: true });
          if (!over) end = open(listener.lost);
        } catch {
          if (!over) listener.lost(error);
        }
      };
      let over = false;
      let end = open((error) => {
        if (isStaleToken(error)) void again(error);
        else listener.lost(error);
      });
      return () => {
        over = true;
        end();
      };
    },
    onOnline,
  };
}

type Variables = Record<string, string>;

/** A token that the server takes no more, though it looks good here: a clock that is wrong, a key that is new. */
function isStaleToken(error: unknown): boolean {
  return error instanceof TokencastError && error.errorType === 'UnauthorizedException';
}

interface Observable {
  subscribe(observer: {
    next(message: { data?: { onTokenReceived?: TokenEvent | null } }): void;
    error(error: unknown): void;
    complete(): void;
  }): { unsubscribe(): void };
}

/** States of Amplify's connection in which no events arrive. It tries again itself, but only after 5 s, then each minute. */
const LOST = new Set(['ConnectionDisrupted', 'ConnectionDisruptedPendingNetwork', 'Disconnected']);

/** One subscription. That it is established, and that its connection was lost, Amplify tells on its hub only. */
function follow(observable: Observable, variables: Variables, listener: Listener): () => void {
  let established = false;
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    stopListening();
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
      listener.established();
    } else if (event === 'ConnectionStateChange' && established) {
      const state = data?.connectionState ?? '';
      if (LOST.has(state)) lose(new TokencastError('connection', 'The connection was lost'));
    }
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

/** Of what Amplify throws: mostly a GraphQL answer with errors, whose cause may be an HTTP answer. */
function errorOf(thrown: unknown): TokencastError {
  const [first] = (thrown as { errors?: GraphqlError[] } | null)?.errors ?? [];
  if (!first) return signedOut(thrown) ?? asTokencastError(thrown);
  if (first.errorType) return errorOfType(first.errorType, first.message, thrown);
  const refused = httpError(first) ?? refusedSubscription(first.message);
  if (refused) return errorOfType(refused.errorType, refused.message, thrown);
  return (
    signedOut(first.originalError) ??
    new TokencastError('connection', first.message, { cause: thrown })
  );
}

interface GraphqlError {
  message: string;
  errorType?: string;
  originalError?: { name?: string; response?: { statusCode?: number; body?: string } };
}

interface Refusal {
  errorType: string;
  message: string;
}

/** Amplify puts the frame of a refused subscription, or the type alone, behind these words. */
const CONNECTION_FAILED = 'Connection failed: ';

function refusedSubscription(message: string): Refusal | null {
  // Amplify's own word for an error that it recognised as one of authorization.
  if (message === 'Unauthorized') return { errorType: 'Unauthorized', message };
  if (!message.startsWith(CONNECTION_FAILED)) return null;
  const said = message.slice(CONNECTION_FAILED.length);
  return firstError(said) ?? { errorType: said, message: said };
}

function httpError({ originalError }: GraphqlError): Refusal | null {
  const { statusCode = 0, body } = originalError?.response ?? {};
  const said = firstError(body ?? '');
  if (said) return said;
  if (statusCode === 401) {
    return { errorType: 'UnauthorizedException', message: 'You are not signed in' };
  }
  if (statusCode >= 400 && statusCode < 500 && statusCode !== 429) {
    return { errorType: `HTTP ${statusCode}`, message: `The API answered HTTP ${statusCode}` };
  }
  return null;
}

function firstError(json: string): Refusal | null {
  try {
    const { errors } = JSON.parse(json) as { errors?: Partial<Refusal>[] };
    const { errorType = '', message = '' } = errors?.[0] ?? {};
    return errorType === '' && message === '' ? null : { errorType, message };
  } catch {
    return null;
  }
}

/** That there is nobody signed in, if that is what Amplify's error says. */
export function signedOut(error: unknown): TokencastError | null {
  const name = (error as { name?: string } | null | undefined)?.name ?? '';
  if (
    !/^(NoSignedUser|NoValidAuthTokens|UserUnAuthenticatedException|NotAuthorizedException)$/.test(
      name,
    )
  ) {
    return null;
  }
  return errorOfType('UnauthorizedException', 'You are not signed in', error);
}
