/** A conversation as a chat of the AI SDK shows it. */

import { expect, test } from 'vitest';

import { messagesOf } from '../../src/ai-sdk/index.js';
import type { Block } from '../../src/blocks.js';
import type { Snapshot } from '../../src/types.js';
import { textOf } from '../support/chats.js';

test('a conversation is messages: the branch of its newest turn', () => {
  const turn = (sessionId: string, parentId: string | null, stream: Snapshot | null) => ({
    sessionId,
    parentId,
    prompt: `question ${sessionId}`,
    stream,
    createdAt: '',
  });
  const done = (answer: string): Snapshot => ({
    status: 'COMPLETED',
    text: answer,
    blocks: [
      { index: 0, type: 'REASONING', reasoning: 'hm' },
      { index: 1, type: 'TEXT', text: answer },
    ],
    sequence: 3,
    attempt: 1,
  });
  const messages = messagesOf({
    conversationId: 'c',
    title: '',
    lastSessionId: 'd',
    turnCount: 4,
    createdAt: '',
    updatedAt: '',
    nextToken: null,
    turns: [
      turn('a', null, done('A')),
      turn('b', 'a', done('B')),
      turn('c', 'a', done('C')),
      turn('d', 'c', { ...done('D'), status: 'STREAMING' }),
    ],
  });
  expect(messages.map(({ id, role }) => `${role} ${id}`)).toEqual([
    'user question-a',
    'assistant a',
    'user question-c',
    'assistant c',
    'user question-d',
  ]);
  expect(messages.map(textOf)).toEqual(['question a', 'A', 'question c', 'C', 'question d']);
});

test('calls of tools are as a page shows them while they come', () => {
  const use = (index: number, toolUseId: string, input: string): Block => ({
    index,
    type: 'TOOL_USE',
    toolUse: { toolUseId, name: 't', input },
  });
  const result = (index: number, toolUseId: string, content: string): Block => ({
    index,
    type: 'TOOL_RESULT',
    toolResult: { toolUseId, status: 'success', content },
  });
  const check = (blocks: Block[], expected: object[]): void => {
    const stream: Snapshot = { status: 'COMPLETED', text: '', blocks, sequence: 1, attempt: 1 };
    const turn = { sessionId: 'a', parentId: null, prompt: 'p', stream, createdAt: '' };
    const messages = messagesOf({
      conversationId: 'c',
      title: '',
      lastSessionId: 'a',
      turnCount: 1,
      createdAt: '',
      updatedAt: '',
      nextToken: null,
      turns: [turn],
    });
    const tool = { type: 'dynamic-tool', toolName: 't', providerExecuted: true };
    expect(messages[1]?.parts.slice(1)).toEqual(expected.map((part) => ({ ...tool, ...part })));
  };
  const errorText = 'The input of the tool is no JSON';
  check(
    [use(0, 'a', '{"x":')],
    [{ toolCallId: 'a', state: 'output-error', input: '{"x":', errorText }],
  );
  check(
    [result(0, 'a', '0'), use(1, 'a', ''), result(2, 'a', '1'), use(3, 'a', '{"x":1}')],
    [
      { toolCallId: 'a', state: 'output-available', input: {}, output: '1' },
      { toolCallId: 'a:2', state: 'input-available', input: { x: 1 } },
    ],
  );
});
