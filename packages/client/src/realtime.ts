/** One subscription over AppSync's real-time protocol, on a socket of its own. */

import { asTokencastError, errorOfType, TokencastError } from './errors.js';
import { globals, OPEN, type WebSocketConstructor, type WebSocketLike } from './globals.js';
import type { Subscription, SubscriptionListener } from './graphql_api.js';
import { refusalIn } from './graphql_errors.js';
import { openSocket } from './socket.js';

/** The one subscription of its socket. */
const ID = '1';
/** What AppSync says in place of its own `connectionTimeoutMs`, should it leave that out. */
const MAX_SILENCE_MS = 300_000;

/** Where subscriptions go. AWS's own hosts have another one for them, any other has another path. */
export function realtimeUrl(graphqlUrl: string): string {
  const url = graphqlUrl.replace(/^http(s?):/, 'ws$1:');
  const aws = /^(wss?:\/\/\w+)\.appsync-api\.([\w-]+\.amazonaws\.com(?:\.cn)?(?:[:/]|$))/;
  if (aws.test(url)) return url.replace(aws, '$1.appsync-realtime-api.$2');
  return `${url.replace(/\/+$/, '')}/realtime`;
}

/** What signs a connection and a subscription in. `host` is the GraphQL endpoint's, never the real-time one. */
export function realtimeHeaders(graphqlUrl: string, token: string): Record<string, string> {
  const host = /^\w+:\/\/([^/?#]*)/.exec(graphqlUrl)?.[1] ?? '';
  return { host, Authorization: token };
}

interface SubscribeOptions {
  graphqlUrl: string;
  token: () => Promise<string>;
  WebSocket: WebSocketConstructor | undefined;
  subscription: Subscription;
}

/** Subscribes once; returns how to end it. */
export function subscribe(
  { graphqlUrl, token, WebSocket, subscription }: SubscribeOptions,
  listener: SubscriptionListener,
): () => void {
  let socket: WebSocketLike | null = null;
  let silence: unknown;
  let maxSilenceMs = MAX_SILENCE_MS;
  let over = false;

  const end = (): void => {
    over = true;
    globals.clearTimeout(silence);
    if (socket?.readyState === OPEN) socket.send(JSON.stringify({ id: ID, type: 'stop' }));
    socket?.close();
  };
  const lose = (error: TokencastError): void => {
    if (over) return;
    end();
    listener.lost(error);
  };
  const heard = (): void => {
    globals.clearTimeout(silence);
    silence = globals.setTimeout(() => {
      lose(new TokencastError('connection', 'The connection has fallen silent'));
    }, maxSilenceMs);
  };

  function onFrame(frame: Frame, headers: object): void {
    const { type, id, payload } = frame;
    const isOurs = id === ID;
    switch (type) {
      case 'connection_ack': {
        const { connectionTimeoutMs } = (payload ?? {}) as { connectionTimeoutMs?: unknown };
        if (typeof connectionTimeoutMs === 'number') maxSilenceMs = connectionTimeoutMs;
        socket?.send(JSON.stringify(startFrame(subscription, headers)));
        break;
      }
      case 'start_ack':
        if (isOurs) listener.established();
        break;
      case 'data': {
        const event = isOurs ? dataOf(payload, subscription.field) : null;
        if (event != null) listener.event(event);
        break;
      }
      case 'error':
        // Some of the service's errors name no subscription.
        if (isOurs || !id) lose(refused(payload));
        break;
      case 'connection_error':
        lose(refused(payload));
        break;
      case 'complete':
        if (isOurs) lose(new TokencastError('connection', 'The server ended the subscription'));
    }
    if (!over) heard();
  }

  async function open(): Promise<void> {
    const headers = realtimeHeaders(graphqlUrl, await token());
    if (over) return;
    const protocols = ['graphql-ws', `header-${base64url(JSON.stringify(headers))}`];
    const made = openSocket(WebSocket, realtimeUrl(graphqlUrl), protocols);
    socket = made;
    heard();
    made.onopen = () => {
      made.send(JSON.stringify({ type: 'connection_init' }));
    };
    made.onmessage = ({ data }: { data: unknown }) => {
      if (over) return;
      try {
        onFrame(JSON.parse(String(data)) as Frame, headers);
      } catch (error) {
        lose(
          new TokencastError('connection', 'AppSync sent a frame that is none', { cause: error }),
        );
      }
    };
    // It says nothing that the close behind it doesn't.
    made.onerror = () => undefined;
    made.onclose = () => {
      lose(new TokencastError('connection', 'The connection was lost'));
    };
  }

  open().catch((error: unknown) => {
    lose(asTokencastError(error));
  });
  return end;
}

interface Frame {
  type?: string;
  id?: string | null;
  payload?: unknown;
}

/** `data` is the operation in JSON, as a string. */
function startFrame({ query, variables }: Subscription, headers: object): object {
  const data = JSON.stringify({ query, variables });
  return { id: ID, type: 'start', payload: { data, extensions: { authorization: headers } } };
}

/** `null` or nothing for an event that was not delivered whole; whoever follows will notice that it is missing. */
function dataOf(payload: unknown, field: string): unknown {
  const { data } = (payload ?? {}) as { data?: Record<string, unknown> | null };
  return data?.[field];
}

function refused(payload: unknown): TokencastError {
  const refusal = refusalIn(payload);
  if (refusal !== null) return errorOfType(refusal.errorType, refusal.message);
  return new TokencastError('connection', 'AppSync sent an error without a reason');
}

function base64url(ascii: string): string {
  const base64 = globals.btoa(ascii).replaceAll('+', '-').replaceAll('/', '_');
  return base64.replace(/=+$/, '');
}
