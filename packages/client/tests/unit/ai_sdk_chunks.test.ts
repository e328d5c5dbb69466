/** The vectors of chunks that every language shares: an answer's events, and what a chat of the AI SDK gets. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { uiMessageChunkSchema as schema7 } from 'ai';
import { uiMessageChunkSchema as schema6 } from 'ai6';

import { TokencastChatTransport } from '../../src/ai-sdk/index.js';
import { bodyOfEvent } from '../../src/bodies.js';
import type { TokencastClient } from '../../src/client.js';
import type { AnswerEvent, TokenEvent } from '../../src/types.js';

interface Case {
  name: string;
  resetStep: boolean;
  events: TokenEvent[];
  chunks: { type: string }[];
  /** Whether the stream breaks off behind the chunks, so that a chat resumes. */
  startsAgain?: boolean;
}

const FIXTURE = new URL('../../../../tests/fixtures/ai_sdk_chunks.json', import.meta.url);
const { sessionId, cases } = JSON.parse(readFileSync(FIXTURE, 'utf8')) as {
  sessionId: string;
  cases: Case[];
};

/** The events as a client tells them. */
function* told(events: TokenEvent[]): Generator<AnswerEvent> {
  yield { type: 'started', sessionId };
  let attempt: number | null = null;
  for (const event of events) {
    const of = event.attempt ?? 1;
    if (attempt !== null && of > attempt) yield { type: 'restarted', attempt: of };
    attempt = of;
    const { stopReason = null, usage = null, error } = event;
    if (event.isComplete) {
      if (event.status === 'CANCELLED') yield { type: 'cancelled', stopReason, usage };
      else if (error == null) yield { type: 'completed', stopReason, usage };
      else yield { type: 'failed', usage, ...error };
      return;
    }
    const body = bodyOfEvent(event);
    const place = { blockIndex: event.blockIndex ?? 0, sequence: event.sequence ?? 0, attempt: of };
    if (body !== null) yield { ...place, ...body };
  }
}

function client(events: TokenEvent[]): TokencastClient {
  const answer = {
    sessionId,
    async *[Symbol.asyncIterator]() {
      for (const event of told(events)) yield await Promise.resolve(event);
    },
  };
  return {
    streamPrompt: () => answer,
    conversations: { owner: () => Promise.resolve('me') },
  } as unknown as TokencastClient;
}

describe('the shared vectors of chunks', () => {
  test('are there', () => {
    expect(cases.length).toBeGreaterThanOrEqual(25);
  });

  test.each(cases)('$name', async ({ events, resetStep, chunks, startsAgain = false }) => {
    const transport = new TokencastChatTransport(client(events), { resetStep });
    const stream = await transport.sendMessages({
      trigger: 'submit-message',
      chatId: 'chat',
      messageId: undefined,
      messages: [{ id: 'm', role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
      abortSignal: undefined,
    });
    const reader = stream.getReader();
    const got: unknown[] = [];
    let broken = false;
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        got.push(next.value);
      }
    } catch {
      broken = true;
    }
    expect(broken).toBe(startsAgain);
    expect(got).toEqual(chunks);
  });

  test('are chunks of both majors, and `reset-step` alone only of the newer', async () => {
    for (const { type, ...fields } of cases.flatMap(({ chunks }) => chunks)) {
      const chunk = { type, ...fields };
      const valid = async (schema: typeof schema7): Promise<boolean> =>
        (await schema().validate?.(chunk))?.success === true;
      expect(await valid(schema7), type).toBe(true);
      expect(await valid(schema6 as unknown as typeof schema7), type).toBe(type !== 'reset-step');
    }
  });
});
