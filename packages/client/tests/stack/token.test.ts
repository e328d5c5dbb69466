/** Tokens that the server takes no more, though the client thinks well of them. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startTokencast, type Tokencast } from '../../../../web/tests/examples/tokencast.js';
import type { AnswerStream, Delivery } from '../../src/index.js';
import { accessBy, WAYS } from '../support/access.js';

let stack: Tokencast;

beforeAll(async () => {
  stack = await startTokencast();
  await stack.script({ tokens: ['Rivers ', 'meander.'] });
});

afterAll(() => stack.stop());

const HOURS_MS = 3_600_000;

const DELIVERIES: Delivery[] = ['appsync', 'url'];
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

async function textOf(stream: AnswerStream): Promise<string> {
  let text = '';
  for await (const event of stream) {
    // The stack's clock runs ahead of its worker's, too, which may cost it an attempt.
    if (event.type === 'restarted') text = '';
    if (event.type === 'text') text += event.text;
  }
  return text;
}
