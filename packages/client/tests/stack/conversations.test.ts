/** Conversations and blocks over each delivery, against the local stack. */

import { AbstractChat, type ChatState, type UIMessage } from 'ai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TokencastChatTransport } from '../../src/ai-sdk/index.js';
import { newSessionId, type ConversationEvent, type TokencastClient } from '../../src/index.js';
import { accessBy, type Access, type WAYS } from '../support/access.js';
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

const EACH = [
  { way: 'tokens', delivery: 'appsync' },
  { way: 'tokens', delivery: 'url' },
  { way: 'tokens', delivery: 'websocket' },
  { way: 'amplify', delivery: 'appsync' },
] as const satisfies { way: (typeof WAYS)[number]; delivery: string }[];

describe.each(EACH)('by $way, over $delivery', ({ way, delivery }) => {
  const via = `${way}, ${delivery}:`;
  let access: Access;
  let client: TokencastClient;

  beforeAll(async () => {
    access = await accessBy(way, stack);
    client = access.client(delivery);
  });

  /** Asks, and waits for the end. */
  async function ask(prompt: string, conversationId: string, parentId?: string): Promise<string> {
    model.answer(`${via} ${prompt}`, { tokens: [`answer to `, prompt] });
    const stream = client.streamPrompt(`${via} ${prompt}`, { conversationId, parentId });
    let last: unknown;
    for await (const event of stream) last = event;
    expect(last).toMatchObject({ type: 'completed' });
    return stream.sessionId;
  }

  test('turns continue each other, and are versions of each other', async () => {
    const conversationId = newSessionId();
    const { conversations } = client;
    const first = await ask('one', conversationId);
    const second = await ask('two', conversationId);
    const edited = await ask('deux', conversationId, first);
    const other = await ask('zero', conversationId, conversationId);
    const conversation = await conversations.getAll(conversationId);
    expect(conversation).toMatchObject({ conversationId, turnCount: 4, lastSessionId: other });
    expect(
      conversation?.turns.map(({ sessionId, parentId, prompt, stream }) => [
        sessionId,
        parentId,
        prompt,
        stream?.text,
      ]),
    ).toEqual([
      [first, null, `${via} one`, 'answer to one'],
      [second, first, `${via} two`, 'answer to two'],
      [edited, first, `${via} deux`, 'answer to deux'],
      [other, null, `${via} zero`, 'answer to zero'],
    ]);
    const { items } = await conversations.list({ limit: 100 });
    expect(items.map((item) => item.conversationId)).toContain(conversationId);
    const whole = JSON.parse(await conversations.export(conversationId, 'JSON')) as object;
    expect(whole).toMatchObject({ conversationId });
    expect(await conversations.export(conversationId, 'MARKDOWN')).toContain('answer to deux');
  });

  test('what changes is heard of, and what is deleted is gone', async () => {
    const conversationId = newSessionId();
    const { conversations } = client;
    const all = heard((listener) => conversations.onAllUpdated(listener));
    await all.until((told) => told.includes('resync'));
    const first = await ask('begin', conversationId);
    await all.until((told) => told.includes(`TURN_ENDED ${first}`));
    const one = heard((listener) => conversations.onUpdated(conversationId, listener));
    await one.until((told) => told.includes('resync'));
    expect(await conversations.rename(conversationId, 'Rivers')).toMatchObject({ title: 'Rivers' });
    const second = await ask('go on', conversationId);
    await one.until((told) => told.includes(`TURN_ENDED ${second}`));
    await conversations.delete(conversationId);
    await one.until((told) => told.includes('DELETED null'));
    expect(one.told).toEqual([
      'resync',
      'RENAMED null',
      `TURN_STARTED ${second}`,
      `TURN_ENDED ${second}`,
      'DELETED null',
    ]);
    expect(all.told).toContain(`TURN_STARTED ${first}`);
    all.end();
    one.end();
    expect(await conversations.get(conversationId)).toBeNull();
    expect(await client.getStream(first)).toBeNull();
    await expect(conversations.export(conversationId, 'JSON')).rejects.toMatchObject({
      kind: 'notFound',
    });
    await expect(ask('anybody?', conversationId)).rejects.toMatchObject({
      errorType: 'CONVERSATION_DELETED',
    });
  });

  test("another user's conversation is closed", async () => {
    const conversationId = newSessionId();
    await ask('mine', conversationId);
    await access.become(1);
    const { conversations } = access.client(delivery);
    expect(await conversations.get(conversationId)).toBeNull();
    await expect(conversations.rename(conversationId, 'x')).rejects.toMatchObject({
      kind: 'notFound',
    });
    const listener = heard((told) => conversations.onUpdated(conversationId, told));
    await listener.until((told) => told.includes('ended notFound'));
    await access.become(0);
    client = access.client(delivery);
  });

  test('what a model reasons is a block of its own', async () => {
    model.answer(`${via} think`, { tokens: ['<think>', 'Let me ', 'see', '</think>', 'So.'] });
    let text = '';
    let reasoning = '';
    const stream = client.streamPrompt(`${via} think`);
    for await (const event of stream) {
      if (event.type === 'text') text += event.text;
      if (event.type === 'reasoning') reasoning += event.text;
    }
    expect([reasoning.trim(), text.trim()]).toEqual(['Let me see', 'So.']);
    const record = await client.getStream(stream.sessionId);
    expect(record?.blocks?.map(({ type }) => type)).toEqual(['REASONING', 'TEXT']);
    expect(typeof record?.reasoningMs).toBe('number');
  });

  test('a chat of the AI SDK asks, goes on, and is found again', async () => {
    const id = newSessionId();
    const transport = new TokencastChatTransport(client);
    const chat = new PlainChat(id, transport);
    for (const prompt of ['un', 'trois']) {
      model.answer(`${via} ${prompt}`, { tokens: ['answer to ', prompt] });
      await chat.sendMessage({ text: `${via} ${prompt}` });
      expect([chat.status, chat.error]).toEqual(['ready', undefined]);
    }
    await chat.regenerate();
    const texts = [`${via} un`, 'answer to un', `${via} trois`, 'answer to trois'];
    expect(chat.messages.map(textOf)).toEqual(texts);
    expect((await transport.messages(id)).map(textOf)).toEqual(texts);
    const conversation = await client.conversations.getAll(await transport.conversationId(id));
    expect(conversation?.turnCount).toBe(3);
  });
});

const textOf = ({ parts }: UIMessage): string =>
  parts.map((part) => (part.type === 'text' ? part.text : '')).join('');

/** What a listener is told, in short. */
function heard(
  begin: (listener: {
    resync: () => void;
    event: (event: ConversationEvent) => void;
    ended: (error: { kind: string }) => void;
  }) => () => void,
) {
  const told: string[] = [];
  let wake: () => void = () => undefined;
  const hear = (what: string): void => {
    told.push(what);
    wake();
  };
  const end = begin({
    resync: () => {
      hear('resync');
    },
    event: ({ kind, sessionId }) => {
      hear(`${kind} ${sessionId}`);
    },
    ended: ({ kind }) => {
      hear(`ended ${kind}`);
    },
  });
  const until = async (is: (told: string[]) => boolean): Promise<void> => {
    while (!is(told)) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { told, end, until };
}

/** The SDK's chat, with its state in plain fields. */
class PlainChat extends AbstractChat<UIMessage> {
  constructor(id: string, transport: TokencastChatTransport) {
    const state: ChatState<UIMessage> = {
      status: 'ready',
      error: undefined,
      messages: [],
      pushMessage: (message) => {
        state.messages = [...state.messages, message];
      },
      popMessage: () => {
        state.messages = state.messages.slice(0, -1);
      },
      replaceMessage: (index, message) => {
        state.messages = state.messages.with(index, structuredClone(message));
      },
      snapshot: (thing) => structuredClone(thing),
    };
    super({ id, transport, state });
  }
}
