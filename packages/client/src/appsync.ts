/** A session over AppSync, without Amplify: any source of tokens, any `fetch`, any `WebSocket`. */

import { isFunction, maybe, mustBe, mustBeAddress } from './arguments.js';
import { HERE } from './environment.js';
import type { Fetch, WebSocketConstructor } from './globals.js';
import { graphqlCall } from './graphql.js';
import { transportOver, type GraphqlApi } from './graphql_api.js';
import { subscribe } from './realtime.js';
import { Renewal } from './renewal.js';
import { subjectOf, tokensFrom, type Tokens } from './tokens.js';
import type { Transport } from './transport.js';

export interface AppSyncOptions {
  /** In place of the global one. */
  fetch?: Fetch | undefined;
  /** In place of the global one, which Node 20 lacks. */
  WebSocket?: WebSocketConstructor | undefined;
}

/**
 * The API at `graphqlUrl`.
 *
 * @throws `TypeError` for an argument that is none
 */
export function appSyncApi(
  graphqlUrl: string,
  source: Tokens,
  { fetch, WebSocket }: AppSyncOptions = {},
): GraphqlApi {
  mustBeAddress('graphqlUrl', graphqlUrl, 'http');
  mustBe(maybe(fetch, isFunction), 'fetch', fetch, 'a function');
  mustBe(maybe(WebSocket, isFunction), 'WebSocket', WebSocket, 'a constructor');
  const tokens = tokensFrom(source);
  const renewal = new Renewal();
  return {
    call: graphqlCall(graphqlUrl, tokens, fetch),
    subscribe: (subscription, listener) => {
      const token = (): Promise<string> => tokens(renewal.isDue(subscription));
      const renewed = renewal.listener(subscription, listener, () => Promise.resolve());
      return subscribe({ graphqlUrl, token, WebSocket, subscription }, renewed);
    },
    owner: async () => subjectOf(await tokens()),
    onOnline: HERE.onOnline,
    freshAfterMs: 0,
  };
}

/** Sessions over the GraphQL endpoint at `graphqlUrl`. */
export function appSyncTransport(
  graphqlUrl: string,
  tokens: Tokens,
  options: AppSyncOptions = {},
): Transport {
  return transportOver(appSyncApi(graphqlUrl, tokens, options));
}
