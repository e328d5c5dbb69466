/** Starts that fail in passing, and prompts that are awkward, over each delivery against the local stack. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Delivery, TokencastClient } from '../../src/index.js';
import { startTokencast, type Tokencast } from '../../../../web/tests/examples/tokencast.js';
import { accessBy, WAYS } from '../support/access.js';

let stack: Tokencast;

beforeAll(async () => {
  stack = await startTokencast();
  await stack.script({ tokens: ['Rivers ', 'meander.'] });
});

afterAll(() => stack.stop());

const PROMPTS: [what: string, prompt: string][] = [
  ['half of a character', 'cut \ud83d'],
  ['the wrong half first', '\ude00\ud83d and on'],
  ['33 KB', 'x'.repeat(33_000)],
  ['60 KB', 'y'.repeat(60_000)],
  ['99 KB', 'z'.repeat(99_000)],
  ['characters that JSON makes six times as long', `a${'\u0001'.repeat(15_000)}`],
];

const DELIVERIES: Delivery[] = ['appsync', 'url', 'websocket'];
const EACH = WAYS.flatMap((way) => DELIVERIES.map((delivery) => ({ way, delivery })));

describe.each(EACH)('by $way, over $delivery', ({ way, delivery }) => {
  let client: TokencastClient;

  beforeAll(async () => {
    client = (await accessBy(way, stack)).client(delivery);
  });

  async function answer(prompt: string): Promise<string> {
    let text = '';
    for await (const event of client.streamPrompt(prompt)) {
      if (event.type === 'restarted') text = '';
      if (event.type === 'text') text += event.text;
    }
    return text;
  }

  test('a start that finds the queue out of order is sent again', async () => {
    const fault = { unavailable: { forMs: 3_000 } };
    await stack.faults([{ service: 'sqs', operation: 'SendMessage', when: { times: 1 }, fault }]);
    try {
      expect(await answer('Why?')).toBe('Rivers meander.');
      const [rule] = (await stack.report()).report;
      expect(rule?.fired).toBeGreaterThan(0);
    } finally {
      await stack.faults([]);
    }
  });

  test.each(PROMPTS)('a prompt with %s is answered', async (_, prompt) => {
    expect(await answer(prompt)).toBe('Rivers meander.');
  });
});
