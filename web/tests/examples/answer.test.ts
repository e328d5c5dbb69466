import { loadOutputs, type TokencastClient } from '@tokencast/client';
import { configure, createAmplifyClient } from '@tokencast/client/amplify';
import { signIn } from 'aws-amplify/auth';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';

import { startTokencast, type Tokencast } from './tokencast';

let stack: Tokencast;
let client: TokencastClient;

beforeAll(async () => {
  stack = await startTokencast();
  // Node 20 has no WebSocket of its own.
  Object.assign(globalThis, { WebSocket });
  const api = configure(await loadOutputs(`${stack.url}/amplify_outputs.json`));
  client = createAmplifyClient(api);
  const [alice] = stack.users;
  await signIn({ username: alice?.username ?? '', password: alice?.password ?? '' });
}, 180_000);

afterAll(() => stack.stop());

test('an answer survives a cut connection', async () => {
  await stack.script({ tokens: ['Rivers ', 'meander ', 'slowly.'], timeBetweenTokensMs: 50 });
  // The socket is cut where the second event would have been.
  const when = { after: 1, times: 1 };
  await stack.faults([{ service: 'realtime', operation: 'data', when, fault: 'disconnect' }]);

  let text = '';
  for await (const event of client.streamPrompt('Why?')) {
    if (event.type === 'text') text += event.text;
  }

  expect(text).toBe('Rivers meander slowly.');
  expect((await stack.report()).report).toMatchObject([{ fired: 1 }]);
});
