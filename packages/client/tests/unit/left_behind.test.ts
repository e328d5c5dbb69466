/** After the last event nothing of a client is left: a program whose answer is there ends by itself. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import type { TokenEvent } from '../../src/types.js';
import { startAppSync, type Start } from '../support/appsync_server.js';
import { completed, sse, startFunction, startWebSocketApi, token } from '../support/deliveries.js';
import { program, type Program } from '../support/program.js';

const MAIN = `
import { createClient } from './client/index.js';
import WebSocket from 'ws';

const [api, until] = process.argv.slice(2);
const client = createClient({ ...JSON.parse(api), tokens: async () => 'jwt', WebSocket });
for await (const { type } of client.streamPrompt('Why?')) {
  if (type !== until) continue;
  console.log(type);
  if (until === 'text') break;
}
`;

let main: Program;
let close: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  main = await program(MAIN);
});

afterAll(() => main.remove());

afterEach(async () => {
  for (const end of close) await end();
  close = [];
});

/** No server here ends a connection by itself, but for a function's response if it `ends`. */
async function serve(events: TokenEvent[], ends: boolean): Promise<Record<string, object>> {
  let subscription: Start | undefined;
  const appSync = await startAppSync(
    ({ query }) => {
      if (query.includes('getStream')) return { getStream: null };
      for (const event of events) {
        subscription?.send({
          type: 'data',
          id: subscription.id,
          payload: { data: { onTokenReceived: event } },
        });
      }
      return { startStream: {} };
    },
    (start) => {
      subscription = start;
      start.send({ type: 'start_ack', id: start.id });
    },
  );
  const functionUrl = await startFunction((request) => {
    request.stream(events.map(sse).join(''));
    if (ends) request.response.end();
  });
  const webSocket = await startWebSocketApi((_, socket) => {
    socket.answer('started', 'QUEUED');
    socket.events(...events);
  });
  close = [appSync.close, functionUrl.close, webSocket.close];
  const graphqlUrl = appSync.endpoint;
  return {
    appsync: { graphqlUrl, delivery: 'appsync' },
    url: { graphqlUrl, delivery: 'url', streamUrl: functionUrl.url },
    websocket: { graphqlUrl, delivery: 'websocket', webSocketUrl: webSocket.url },
  };
}

describe.each(['completed', 'text'])('a program that leaves at `%s` ends', (until) => {
  test.each([
    ['appsync', 'stays'],
    ['url', 'stays'],
    ['url', 'ends'],
    ['websocket', 'stays'],
  ])('over %s, where a response %s', async (delivery, response) => {
    const apis = await serve([token(1, 'a'), completed(2)], response === 'ends');
    expect(await main.run(JSON.stringify(apis[delivery]), until)).toBe(until);
  });
});
