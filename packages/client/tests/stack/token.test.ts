/** Tokens that the server takes no more, though the client thinks well of them. */

import { signIn } from 'aws-amplify/auth';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';

import {
  clientVia,
  configure,
  getStream,
  loadOutputs,
  type AnswerStream,
  type Api,
  type Delivery,
} from '../../src/api';
import { startTokencast, type Tokencast } from '../examples/tokencast';

let stack: Tokencast;
let api: Api;

beforeAll(async () => {
  stack = await startTokencast();
  Object.assign(globalThis, { WebSocket });
  api = configure(await loadOutputs(`${stack.url}/amplify_outputs.json`));
  const { username = '', password = '' } = stack.users[0] ?? {};
  await signIn({ username, password });
  await stack.script({ tokens: ['Rivers ', 'meander.'] });
});

afterAll(() => stack.stop());

const HOURS_MS = 3_600_000;

// However young they are: the user has only just signed in, or renewed them.
describe.each<Delivery>(['appsync', 'url'])('over %s', (via) => {
  test('a query and a stream renew them, and go on', async () => {
    const client = clientVia(api, via);
    const stream = client.streamPrompt('Why?');
    expect(await textOf(stream)).toBe('Rivers meander.');

    await stack.advanceClock(2 * HOURS_MS);
    expect(await getStream(stream.sessionId)).toMatchObject({ text: 'Rivers meander.' });

    await stack.advanceClock(2 * HOURS_MS);
    // The socket, if it is still there, takes no new subscription with an old token; a new one neither.
    expect(await textOf(client.streamPrompt('Why again?'))).toBe('Rivers meander.');
    expect(await textOf(client.resumeStream(stream.sessionId))).toBe('Rivers meander.');
  });
});

async function textOf(stream: AnswerStream): Promise<string> {
  let text = '';
  for await (const event of stream) {
    // The stack's clock runs ahead of its worker's, too, which may cost it an attempt.
    if (event.type === 'restarted') text = '';
    if (event.type === 'text') text += event.text;
  }
  return text;
}
