/** A conversation as a chat of the AI SDK shows it. */

import { expect, test } from 'vitest';

import { messagesOf } from '../../src/ai-sdk/index.js';
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
