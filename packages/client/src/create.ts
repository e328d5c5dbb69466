/** A client for one API, over one of its deliveries. */

import { accountOver } from './account.js';
import { appSyncApi } from './appsync.js';
import { isObject, mustBe, mustBeOneOf } from './arguments.js';
import { timeoutsOf, type Timeouts } from './bounds.js';
import { clientOver, clientOverReplay, type TokencastClient } from './client.js';
import { conversationsOver } from './conversations.js';
import { functionUrlTransport } from './function_url.js';
import type { Fetch, WebSocketConstructor } from './globals.js';
import { transportOver, type GraphqlApi } from './graphql_api.js';
import type { Api, Delivery } from './outputs.js';
import type { Tokens } from './tokens.js';
import type { Transport } from './transport.js';
import { webSocketTransport } from './web_socket_api.js';

/** Where an API is; `apiOf` reads it from `amplify_outputs.json`. */
export type ApiUrls = Pick<Api, 'graphqlUrl' | 'streamUrl' | 'webSocketUrl'>;

/** What is the same whoever signs the user in. */
export interface DeliveryOptions {
  /** Over which of the API's deliveries answers come. AppSync unless it is said. */
  delivery?: Delivery | undefined;
  /** In place of the global one. */
  fetch?: Fetch | undefined;
  /** In place of the global one, which Node 20 lacks: that of the package `ws` will do. */
  WebSocket?: WebSocketConstructor | undefined;
  /** Other bounds than those of docs/PROTOCOL.md. */
  timeouts?: Partial<Timeouts> | undefined;
}

export interface ClientOptions extends ApiUrls, DeliveryOptions {
  /** Asked for the user's token with each call and each connection. What it throws is told as `Tokens` says. */
  tokens: Tokens;
}

/**
 * A client for the API, as the user whom `tokens` speaks of. Over a WebSocket API, a prompt that is too long for a frame
 * that a browser can send is sent by GraphQL, and followed over the WebSocket.
 *
 * @throws `TypeError` for an option that is missing or none, or if the API hasn't that delivery
 */
export function createClient(options: ClientOptions): TokencastClient {
  mustBe(isObject(options), 'options', options, 'an object with `graphqlUrl` and `tokens`');
  const { graphqlUrl, tokens, fetch, WebSocket } = options;
  return clientFor(options, tokens, appSyncApi(graphqlUrl, tokens, { fetch, WebSocket }));
}

/** Whatever the delivery, `graphql` reads records and conversations, and starts what no frame can. */
export function clientFor(
  options: ApiUrls & DeliveryOptions,
  tokens: Tokens,
  graphql: GraphqlApi,
): TokencastClient {
  const { streamUrl, webSocketUrl, delivery = 'appsync', fetch, WebSocket, timeouts } = options;
  const overAppSync = transportOver(graphql);
  const bounds = timeoutsOf(timeouts);
  mustBeOneOf('delivery', delivery, ['appsync', 'url', 'websocket']);
  const conversations = conversationsOver(graphql, bounds);
  const account = accountOver(graphql, bounds);
  const getStream: Transport['getStream'] = (sessionId) => overAppSync.getStream(sessionId);
  switch (delivery) {
    case 'appsync':
      return clientOver(overAppSync, timeouts, conversations, account);
    case 'url': {
      if (streamUrl === undefined) throw new TypeError('This API has no `streamUrl`');
      const transport = functionUrlTransport(streamUrl, tokens, { fetch });
      return clientOverReplay(transport, getStream, timeouts, conversations, account);
    }
    case 'websocket': {
      if (webSocketUrl === undefined) throw new TypeError('This API has no `webSocketUrl`');
      const startStream: Transport['startStream'] = (...start) => overAppSync.startStream(...start);
      const transport = webSocketTransport(webSocketUrl, tokens, {
        WebSocket,
        startStream,
        getStream,
      });
      return clientOverReplay(transport, getStream, timeouts, conversations, account);
    }
  }
}
