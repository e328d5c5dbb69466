/** A session over AppSync, without Amplify: any source of tokens, any `fetch`, any `WebSocket`. */

import { HERE } from './environment.js';
import { TokencastError } from './errors.js';
import type { Fetch, WebSocketConstructor } from './globals.js';
import { graphqlCall } from './graphql.js';
import { isStaleToken } from './graphql_errors.js';
import { calls } from './operations.js';
import { subscribe } from './realtime.js';
import type { Tokens } from './tokens.js';
import type { Transport } from './transport.js';

export interface AppSyncOptions {
  /** In place of the global one. */
  fetch?: Fetch | undefined;
  /** In place of the global one, which Node 20 lacks. */
  WebSocket?: WebSocketConstructor | undefined;
}

/** Sessions over the GraphQL endpoint at `graphqlUrl`. */
export function appSyncTransport(
  graphqlUrl: string,
  tokens: Tokens,
  { fetch, WebSocket }: AppSyncOptions = {},
): Transport {
  const call = graphqlCall(graphqlUrl, tokens, fetch);
  /** Sessions whose subscription was refused for its token, and hasn't been accepted with a new one yet. */
  const refused = new Set<string>();

  return {
    ...calls(call),
    subscribe(sessionId, listener) {
      let accepted = false;
      const token = (): Promise<string> => tokens(refused.has(sessionId));
      return subscribe(graphqlUrl, token, WebSocket, sessionId, {
        established: () => {
          accepted = true;
          refused.delete(sessionId);
          listener.established();
        },
        event: listener.event,
        lost: (error) => {
          // A subscription that was accepted before is refused for its token, whatever the words.
          const expired = isStaleToken(error) || (accepted && error.kind === 'unauthorized');
          if (!expired || refused.has(sessionId)) {
            listener.lost(error);
            return;
          }
          refused.add(sessionId);
          const cause = { cause: error };
          listener.lost(new TokencastError('connection', 'The token has expired', cause));
        },
      });
    },
    onOnline: HERE.onOnline,
  };
}
