/** Chats of the AI SDK over a client that a test directs: questions, answers, and the SDK's own schema of chunks. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { UIMessageChunk } from 'ai';

import { conversationIdOf, sessionIdOf, TokencastChatTransport } from '../../src/ai-sdk/index.js';
import { againOf } from '../../src/ai-sdk/ids.js';
import { knowsResetStep } from '../../src/ai-sdk/reset_step.js';
import type { Turn } from '../../src/conversation.js';
import { TokencastError } from '../../src/errors.js';
import type { Snapshot } from '../../src/types.js';
import {
  ai,
  begun,
  chat,
  CHAT,
  client,
  completed,
  directed,
  leave,
  major,
  make,
  OWNER,
  partsOf,
  place,
  reset,
  running,
  text,
  textOf,
  until,
} from '../support/chats.js';

beforeEach(reset);
afterEach(leave);

describe(`with ai ${major}`, () => {
  test('a question is a turn of the chat’s conversation, and its answer a message', async () => {
    make();
    const sent = chat.sendMessage({ text: 'Why do rivers meander?' });
    const answer = await running();
    const [question] = chat.messages;
    expect(directed.started).toEqual([
      {
        prompt: 'Why do rivers meander?',
        sessionId: sessionIdOf(OWNER, CHAT, question?.id ?? '', ['Why do rivers meander?']),
        conversationId: conversationIdOf(OWNER, CHAT),
        parentId: conversationIdOf(OWNER, CHAT),
      },
    ]);
    answer.say(begun(answer), { type: 'status', status: 'STREAMING' }, text('Because'));
    await until(() => textOf(chat.messages[1]) === 'Because');
    expect(chat.status).toBe('streaming');
    answer.say(text(' they can.'), completed, 'end');
    await sent;
    expect(chat.status).toBe('ready');
    expect(chat.messages[1]).toMatchObject({ id: answer.sessionId, role: 'assistant' });
    expect(partsOf(chat.messages[1])).toMatchObject([
      { type: 'text', text: 'Because they can.', state: 'done' },
    ]);
  });

  test('a question that was read back is no other, unless its answer failed', async () => {
    const sessionId = '67e55044-10b1-426f-9247-bb680e5fe0c8';
    const turn = (status: Snapshot['status'], prompt = 'one'): Turn => {
      const stream = { status, text: '', sequence: 1, attempt: 1 };
      return { sessionId, parentId: null, prompt, stream, createdAt: '' };
    };
    const submitted = sessionIdOf(OWNER, CHAT, `question-${sessionId}`, ['one']);
    for (const [number, [turns, resumed, started]] of (
      [
        [[turn('COMPLETED')], [sessionId], []],
        [[turn('STREAMING')], [sessionId], []],
        [[turn('FAILED')], [], [againOf(sessionId)]],
        [[turn('COMPLETED', 'uno')], [], [submitted]],
        [[], [], [submitted]],
      ] as const
    ).entries()) {
      reset();
      directed.turns = [...turns];
      const parts = [{ type: 'text' as const, text: 'one' }];
      make(undefined, [{ id: `question-${sessionId}`, role: 'user', parts }]);
      const sent = chat.sendMessage();
      await until(() => directed.answers.size > 0);
      for (const answer of directed.answers.values())
        answer.say(begun(answer), text('1'), completed, 'end');
      await sent;
      expect(directed.resumed, String(number)).toEqual(resumed);
      expect(directed.started.map((it) => it.sessionId)).toEqual(started);
    }
  });

  test('the next question continues the answer before it, and another answer is a version', async () => {
    make();
    const first = chat.sendMessage({ text: 'one' });
    const answer = await running();
    answer.say(begun(answer), text('1'), completed, 'end');
    await first;
    const second = chat.sendMessage({ text: 'two' });
    const next = await running(1);
    next.say(begun(next), text('2'), completed, 'end');
    await second;
    expect(directed.started[1]).toMatchObject({ prompt: 'two', parentId: answer.sessionId });
    const again = chat.regenerate();
    const other = await running(2);
    other.say(begun(other), text('II'), completed, 'end');
    await again;
    expect(directed.started[2]).toMatchObject({ prompt: 'two', parentId: answer.sessionId });
    expect(other.sessionId).not.toBe(next.sessionId);
    expect(chat.messages.map(textOf)).toEqual(['one', '1', 'two', 'II']);
    // An edit: other words under the same id.
    const edit = chat.sendMessage({ text: 'deux', messageId: chat.messages[2]?.id ?? '' });
    const edited = await running(3);
    edited.say(begun(edited), text('2'), completed, 'end');
    await edit;
    expect(directed.started[3]).toMatchObject({ prompt: 'deux', parentId: answer.sessionId });
    expect(edited.sessionId).not.toBe(next.sessionId);
  });

  test('all blocks are parts', async () => {
    make();
    const sent = chat.sendMessage({ text: 'Look it up' });
    const answer = await running();
    const use = { toolUseId: 't1', name: 'search' };
    answer.say(
      begun(answer),
      { type: 'reasoning', text: 'Let me ', blockIndex: 0, ...place },
      { type: 'reasoning', text: 'think', blockIndex: 0, ...place },
      { type: 'toolUse', toolUse: { ...use, input: '' }, blockIndex: 1, ...place },
      { type: 'toolUse', toolUse: { ...use, input: '{"q":' }, blockIndex: 1, ...place },
      { type: 'toolUse', toolUse: { ...use, input: '"x"}' }, blockIndex: 1, ...place },
      {
        type: 'toolResult',
        toolResult: { toolUseId: 't1', status: 'success', content: 'found' },
        blockIndex: 2,
        ...place,
      },
      text('It says', 3),
      {
        type: 'citation',
        citation: { title: 'T', url: 'https://a.example/' },
        blockIndex: 4,
        ...place,
      },
      { type: 'citation', citation: { url: 'javascript:alert(1)' }, blockIndex: 5, ...place },
      text(' so.', 6),
      { type: 'completed', stopReason: 'max_tokens', usage: null },
      'end',
    );
    await sent;
    expect(partsOf(chat.messages[1])).toMatchObject([
      { type: 'reasoning', text: 'Let me think', state: 'done' },
      {
        type: 'dynamic-tool',
        toolName: 'search',
        state: 'output-available',
        input: { q: 'x' },
        output: 'found',
      },
      { type: 'text', text: 'It says', state: 'done' },
      { type: 'source-url', url: 'https://a.example/', title: 'T' },
      { type: 'source-document', title: 'javascript:alert(1)' },
      { type: 'text', text: ' so.', state: 'done' },
    ]);
  });

  test('a refusal is an error', async () => {
    make();
    const sent = chat.sendMessage({ text: 'Count' });
    (await running()).say(new TokencastError('refused', 'too long'));
    await sent;
    expect([chat.status, chat.error?.message]).toEqual(['error', 'too long']);
  });

  test('what is no text is refused, and nothing is started', async () => {
    make();
    const file = { type: 'file' as const, mediaType: 'image/png', url: 'data:,' };
    await chat.sendMessage({ files: [file], text: 'What is it?' });
    expect(chat.status).toBe('error');
    expect(chat.error?.message).toContain('`file`');
    expect(directed.started).toEqual([]);
  });

  test('every chunk is one of the SDK’s', async () => {
    const transport = new TokencastChatTransport(client, { resetStep: false });
    make();
    const parts = [{ type: 'text' as const, text: 'Why?' }];
    const stream = await transport.sendMessages({
      trigger: 'submit-message',
      chatId: CHAT,
      messageId: undefined,
      messages: [{ id: 'q', role: 'user', parts }],
      abortSignal: undefined,
    });
    const answer = await running();
    const use = { toolUseId: 't', name: 'n' };
    answer.say(
      begun(answer),
      { type: 'reasoning', text: '', blockIndex: 0, ...place },
      text('a', 1),
      { type: 'citation', citation: { text: 'c' }, blockIndex: 2, ...place },
      { type: 'toolUse', toolUse: { ...use, input: 'no JSON' }, blockIndex: 3, ...place },
      {
        type: 'toolResult',
        toolResult: { toolUseId: 't', status: 'error' },
        blockIndex: 4,
        ...place,
      },
      completed,
      'end',
    );
    const schema = (ai.uiMessageChunkSchema as () => Schema)();
    const types: string[] = [];
    for await (const chunk of stream) {
      types.push(chunk.type);
      expect(await schema.validate?.(chunk)).toMatchObject({ success: true, value: chunk });
    }
    expect(types).toEqual([
      'start',
      'start-step',
      'reasoning-start',
      'reasoning-end',
      'text-start',
      'text-delta',
      'text-end',
      'source-document',
      'tool-input-start',
      'tool-input-delta',
      'tool-input-error',
      'tool-output-error',
      'finish-step',
      'finish',
    ]);
  });

  test('whether it knows `reset-step` is found out', async () => {
    make();
    expect(await knowsResetStep(() => Promise.resolve(ai))).toBe(major === 7);
    expect(await knowsResetStep(() => Promise.reject(new Error('not installed')))).toBe(false);
  });
});

interface Schema {
  validate?: (value: UIMessageChunk) => PromiseLike<object>;
}
