/** A user's program with the types of no platform: React Native's, for example. */

import {
  createClient,
  type AnswerStream,
  type FetchInit,
  type FetchResponse,
  type StopSignal,
  type WebSocketConstructor,
} from '@tokencast/client';

export function ask(
  fetch: (url: string, init?: FetchInit) => Promise<FetchResponse>,
  WebSocket: WebSocketConstructor,
  signal: StopSignal,
): AnswerStream {
  const client = createClient({
    graphqlUrl: 'https://api.example.com/graphql',
    tokens: (refresh = false) => Promise.resolve(refresh ? 'new' : 'old'),
    fetch,
    WebSocket,
  });
  return client.streamPrompt('Why?', { signal });
}
