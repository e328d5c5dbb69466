/** The vectors of ids that every language shares. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { againOf, conversationIdOf, sessionIdOf } from '../../src/ai-sdk/ids.js';

interface Case {
  owner: string;
  chatId: string;
  conversationId: string;
  sessions: { messageId: string; texts: string[]; sessionId: string; againId: string }[];
}

const FIXTURE = new URL('../../../../tests/fixtures/ai_sdk_ids.json', import.meta.url);
const cases = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Case[];

test('ids are those of the shared vectors', () => {
  expect(cases.length).toBeGreaterThanOrEqual(4);
  for (const { owner, chatId, conversationId, sessions } of cases) {
    expect(conversationIdOf(owner, chatId)).toBe(conversationId);
    for (const { messageId, texts, sessionId, againId } of sessions) {
      expect(sessionIdOf(owner, chatId, messageId, texts)).toBe(sessionId);
      expect(againOf(sessionId)).toBe(againId);
    }
  }
});

test('ids are the same wherever they are made', () => {
  expect(conversationIdOf('o', 'c')).toBe(conversationIdOf('o', 'c'));
  expect(conversationIdOf('o', 'c')).not.toBe(conversationIdOf('oc', ''));
  expect(sessionIdOf('o', 'c', 'm', ['a', 'b'])).not.toBe(sessionIdOf('o', 'c', 'm', ['ab']));
  const owner = 'e0000000-0000-4000-8000-000000000009';
  const chatId = 'my chat';
  // Fixed, lest a later version takes another conversation for the same chat.
  expect(conversationIdOf(owner, chatId)).toBe('2d850475-c0e9-5a33-9e34-068aa64afa61');
  expect(sessionIdOf(owner, chatId, 'm', ['Why?'])).toBe('ad9cc131-1af3-5e4b-ba42-74e823846647');
});
