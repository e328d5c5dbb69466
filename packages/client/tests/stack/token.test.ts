/** Tokens that the server takes no more, though the client thinks well of them. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';

import { startTokencast, type Tokencast } from '../../../../web/tests/examples/tokencast.js';
import {
  apiOf,
  createClient,
  loadOutputs,
  newSessionId,
  type AnswerStream,
  type Delivery,
} from '../../src/index.js';
import { accessBy, WAYS } from '../support/access.js';

let stack: Tokencast;

beforeAll(async () => {
  stack = await startTokencast();
  await stack.script({ tokens: ['Rivers ', 'meander.'] });
});

afterAll(() => stack.stop());

const HOURS_MS = 3_600_000;

const DELIVERIES: Delivery[] = ['appsync', 'url', 'websocket'];
const EACH = WAYS.flatMap((way) => DELIVERIES.map((delivery) => ({ way, delivery })));

// However young they are: the user has only just signed in, or renewed them.
describe.each(EACH)('by $way, over $delivery', ({ way, delivery }) => {
  test('a query and a stream renew them, and go on', async () => {
    const client = (await accessBy(way, stack)).client(delivery);
    const stream = client.streamPrompt('Why?');
    expect(await textOf(stream)).toBe('Rivers meander.');

    await stack.advanceClock(2 * HOURS_MS);
    expect(await client.getStream(stream.sessionId)).toMatchObject({ text: 'Rivers meander.' });

    await stack.advanceClock(2 * HOURS_MS);
    // The socket, if it is still there, takes no new subscription with an old token; a new one neither.
    expect(await textOf(client.streamPrompt('Why again?'))).toBe('Rivers meander.');
    expect(await textOf(client.resumeStream(stream.sessionId))).toBe('Rivers meander.');
  });
});

test.each(DELIVERIES)(
  'over %s, a token that is never taken is said to be it, soon',
  async (delivery) => {
    const api = apiOf(await loadOutputs(`${stack.url}/amplify_outputs.json`));
    const tokens = (): Promise<string> => Promise.resolve('no token');
    const client = createClient({ ...api, delivery, tokens, WebSocket });
    const unauthorized = { kind: 'unauthorized' };
    await expect(textOf(client.streamPrompt('Why?'))).rejects.toMatchObject(unauthorized);
    const id = newSessionId();
    await expect(textOf(client.resumeStream(id))).rejects.toMatchObject(unauthorized);
  },
);

async function textOf(stream: AnswerStream): Promise<string> {
  let text = '';
  for await (const event of stream) {
    // The stack's clock runs ahead of its worker's, too, which may cost it an attempt.
    if (event.type === 'restarted') text = '';
    if (event.type === 'text') text += event.text;
  }
  return text;
}
