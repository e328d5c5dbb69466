/** The client library over each delivery, against the local stack. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { AnswerEvent, Delivery, TokencastClient } from '../../src/index.js';
import { accessBy, WAYS, type Access } from '../support/access.js';
import { startModel, type Model } from '../support/model.js';
import { startStack, type Stack } from '../support/stack.js';

let stack: Stack;
let model: Model;

beforeAll(async () => {
  model = await startModel();
  stack = await startStack(['--model', model.spec]);
});

afterAll(async () => {
  await stack.stop();
  await model.close();
});

const DELIVERIES: Delivery[] = ['appsync', 'url', 'websocket'];
const TOKENS = ['Rivers ', 'meander ', '**because** ', 'banks ', 'erode. ', '🌊'];

const EACH = WAYS.flatMap((way) => DELIVERIES.map((delivery) => ({ way, delivery })));

describe.each(EACH)('by $way, over $delivery', ({ way, delivery }) => {
  /** In prompts, for the model to tell them apart. */
  const via = `${way}, ${delivery}:`;
  let access: Access;
  let client: TokencastClient;

  beforeAll(async () => {
    access = await accessBy(way, stack);
    client = access.client(delivery);
  });

  test('an answer arrives whole, and says how it ended', async () => {
    model.answer(`${via} whole`, { tokens: TOKENS, betweenMs: 5 });
    const events = await all(client.streamPrompt(`${via} whole`));
    expect(events[0]).toMatchObject({ type: 'started' });
    expect(textOf(events)).toBe(TOKENS.join(''));
    expect(events.at(-1)).toMatchObject({
      type: 'completed',
      stopReason: 'end_turn',
      usage: { inputTokens: 7, outputTokens: 6, totalTokens: 13 },
    });
  });

  test('tokens arrive while the model speaks, not at the end', async () => {
    model.answer(`${via} held`, { tokens: TOKENS, holdAfter: 3 });
    let text = '';
    for await (const event of client.streamPrompt(`${via} held`)) {
      if (event.type !== 'text') continue;
      text += event.text;
      if (text === TOKENS.slice(0, 3).join('')) model.release(`${via} held`);
    }
    expect(text).toBe(TOKENS.join(''));
  });

  test('aborting stops the model and keeps the text', async () => {
    model.answer(`${via} abort`, { tokens: TOKENS, holdAfter: 2 });
    const stop = new AbortController();
    const stream = client.streamPrompt(`${via} abort`, { signal: stop.signal });
    const events: AnswerEvent[] = [];
    for await (const event of stream) {
      events.push(event);
      if (textOf(events) === 'Rivers meander ') stop.abort();
    }
    expect(events.at(-1)).toMatchObject({ type: 'cancelled' });
    expect(textOf(events)).toBe('Rivers meander ');
    expect(await client.getStream(stream.sessionId)).toMatchObject({
      status: 'CANCELLED',
      text: 'Rivers meander ',
    });
    await expect.poll(() => model.dropped(`${via} abort`)).toBe(1);
  });

  test('aborting before anything was sent starts nothing', async () => {
    const stream = client.streamPrompt('never', { signal: AbortSignal.abort() });
    expect((await all(stream)).at(-1)).toMatchObject({ type: 'cancelled' });
    expect(await client.getStream(stream.sessionId)).toBeNull();
  });

  test('leaving the loop leaves the answer going, and resuming finds all of it', async () => {
    model.answer(`${via} leave`, { tokens: TOKENS, holdAfter: 2 });
    const stream = client.streamPrompt(`${via} leave`);
    for await (const event of stream) if (event.type === 'text') break;
    const events: AnswerEvent[] = [];
    for await (const event of client.resumeStream(stream.sessionId)) {
      events.push(event);
      if (textOf(events) === 'Rivers meander ') model.release(`${via} leave`);
    }
    expect(textOf(events)).toBe(TOKENS.join(''));
    // And once it is over.
    const after = await all(client.resumeStream(stream.sessionId));
    expect(textOf(after)).toBe(TOKENS.join(''));
    expect(after.at(-1)).toMatchObject({ type: 'completed' });
  });

  test('many answers at once stay apart', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `${via} apart ${index}!`);
    for (const name of names) {
      const tokens = Array.from({ length: 40 }, (_, index) => `${name}${index} `);
      model.answer(name, { tokens, betweenMs: 2 });
    }
    const texts = await Promise.all(
      names.map(async (name) => textOf(await all(client.streamPrompt(name)))),
    );
    for (const [index, name] of names.entries()) {
      const expected = Array.from({ length: 40 }, (_, token) => `${name}${token} `).join('');
      expect(texts[index]).toBe(expected);
    }
  });

  test("a prompt that can't be answered is refused with its reason", async () => {
    await expect(all(client.streamPrompt('  '))).rejects.toMatchObject({
      name: 'TokencastError',
      kind: 'refused',
      errorType: 'INVALID_PROMPT',
    });
    await expect(
      all(client.streamPrompt('why?', { sessionId: 'not-a-uuid' })),
    ).rejects.toMatchObject({
      name: 'TokencastError',
      kind: 'refused',
    });
  });

  test('there is nothing to resume of a session that never was', async () => {
    const nobody = '7d1c3a6e-6f1c-4b3c-9a55-0f6d3f0d6f11';
    await expect(all(client.resumeStream(nobody))).rejects.toMatchObject({ kind: 'notFound' });
  });

  test("another user's session is closed", async () => {
    model.answer(`${via} private`, { tokens: TOKENS });
    const stream = client.streamPrompt(`${via} private`);
    await all(stream);
    await access.become(1);
    try {
      const unauthorized = { kind: 'unauthorized', errorType: 'UNAUTHORIZED' };
      // What is read doesn't say whether others have an id; what is changed does.
      const resumed = all(client.resumeStream(stream.sessionId));
      await expect(resumed).rejects.toMatchObject({ kind: 'notFound', errorType: null });
      await expect(client.stopStream(stream.sessionId)).rejects.toMatchObject(unauthorized);
      const taken = client.streamPrompt('mine now', { sessionId: stream.sessionId });
      await expect(all(taken)).rejects.toMatchObject(unauthorized);
    } finally {
      await access.become(0);
    }
  });
});

async function all(stream: AsyncIterable<AnswerEvent>): Promise<AnswerEvent[]> {
  const events: AnswerEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

function textOf(events: AnswerEvent[]): string {
  return events.reduce((text, event) => {
    if (event.type === 'restarted') return '';
    return event.type === 'text' ? text + event.text : text;
  }, '');
}
