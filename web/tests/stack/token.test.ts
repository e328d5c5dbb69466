/** Tokens that the server takes no more, though the client thinks well of them. */

import { signIn } from 'aws-amplify/auth';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';

import { configure, getStream, loadOutputs, resumeStream, streamPrompt } from '../../src/api';
import { startTokencast, type Tokencast } from '../examples/tokencast';

let stack: Tokencast;

beforeAll(async () => {
  stack = await startTokencast();
  Object.assign(globalThis, { WebSocket });
  configure(await loadOutputs(`${stack.url}/amplify_outputs.json`));
  const { username = '', password = '' } = stack.users[0] ?? {};
  await signIn({ username, password });
  await stack.script({ tokens: ['Rivers ', 'meander.'] });
});

afterAll(() => stack.stop());

const HOURS_MS = 3_600_000;

test('a query and a subscription refresh them, and go on', async () => {
  const stream = streamPrompt('Why?');
  expect(await textOf(stream)).toBe('Rivers meander.');

  await stack.advanceClock(2 * HOURS_MS);
  expect(await getStream(stream.sessionId)).toMatchObject({ text: 'Rivers meander.' });

  await stack.advanceClock(2 * HOURS_MS);
  // The socket, if it is still there, takes no new subscription with an old token; a new one neither.
  expect(await textOf(streamPrompt('Why again?'))).toBe('Rivers meander.');
  expect(await textOf(resumeStream(stream.sessionId))).toBe('Rivers meander.');
}, 40_000);

async function textOf(stream: ReturnType<typeof streamPrompt>): Promise<string> {
  let text = '';
  for await (const event of stream) {
    // The stack's clock runs ahead of its worker's, too, which may cost it an attempt.
    if (event.type === 'restarted') text = '';
    if (event.type === 'text') text += event.text;
  }
  return text;
}
