import { loadOutputs, type Api } from '@tokencast/client';
import { configure, createAmplifyClient } from '@tokencast/client/amplify';
import { signIn } from 'aws-amplify/auth';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';

import { startTokencast, type Tokencast } from './tokencast';

let stack: Tokencast;
let api: Api;

beforeAll(async () => {
  stack = await startTokencast();
  // Node 20 has no WebSocket of its own.
  Object.assign(globalThis, { WebSocket });
  api = configure(await loadOutputs(`${stack.url}/amplify_outputs.json`));
  const [alice] = stack.users;
  await signIn({ username: alice?.username ?? '', password: alice?.password ?? '' });
  await stack.script({ tokens: ['Rivers ', 'meander ', 'slowly.'], timeBetweenTokensMs: 50 });
}, 180_000);

afterAll(() => stack.stop());

test('over a Function URL, an answer survives a response that breaks off', async () => {
  // The connection is torn down behind the second piece of the response's body.
  const fault = { streamReset: { afterTokens: 2 } };
  await stack.faults([{ service: 'functionurl', when: { times: 1 }, fault }]);

  const client = createAmplifyClient(api, { delivery: 'url' });
  let text = '';
  for await (const event of client.streamPrompt('Why?')) {
    if (event.type === 'text') text += event.text;
  }

  expect(text).toBe('Rivers meander slowly.');
  expect((await stack.report()).report).toMatchObject([{ fired: 1 }]);
});

test('over a WebSocket API, an answer survives a socket that is cut', async () => {
  // The answer to the start goes through, and the first event; the second finds the socket cut.
  const when = { after: 2, times: 1 };
  await stack.faults([{ service: 'websocket', operation: 'data', when, fault: 'disconnect' }]);

  const client = createAmplifyClient(api, { delivery: 'websocket' });
  let text = '';
  for await (const event of client.streamPrompt('Why?')) {
    if (event.type === 'text') text += event.text;
  }

  expect(text).toBe('Rivers meander slowly.');
  expect((await stack.report()).report).toMatchObject([{ fired: 1 }]);
});
