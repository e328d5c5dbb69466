/** The vectors of ids that every language shares. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { conversationIdOf, sessionIdOf } from '../../src/ai-sdk/ids.js';

interface Case {
  owner: string;
  chatId: string;
  conversationId: string;
  sessions: { messageId: string; texts: string[]; sessionId: string }[];
}

const FIXTURE = new URL('../../../../tests/fixtures/ai_sdk_ids.json', import.meta.url);
const cases = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Case[];

test('ids are those of the shared vectors', () => {
  expect(cases.length).toBeGreaterThanOrEqual(4);
  for (const { owner, chatId, conversationId, sessions } of cases) {
    expect(conversationIdOf(owner, chatId)).toBe(conversationId);
    for (const { messageId, texts, sessionId } of sessions) {
      expect(sessionIdOf(owner, chatId, messageId, texts)).toBe(sessionId);
    }
  }
});
