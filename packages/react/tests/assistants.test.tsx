/** Assistants: which there are, who is asked, and what comes of a guardrail and of a quota that is used up. */

import { TokencastError, type Assistant } from '@tokencast/client';
import { act, type JSX } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { asStreamError } from '../src/answer_view.js';
import { ConversationStore } from '../src/conversation_store.js';
import { useAssistants } from '../src/index.js';
import { CONVERSATION, FakeApi, text } from './fake_api.js';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let api: FakeApi;

beforeEach(() => {
  vi.useFakeTimers();
  api = new FakeApi();
});

afterEach(() => {
  vi.useRealTimers();
});

const settle = (): Promise<void> => vi.advanceTimersByTimeAsync(300).then(() => undefined);

const GENERAL: Assistant = {
  name: 'general',
  title: 'General',
  description: null,
  isDefault: true,
  reasons: false,
  maxTokens: 4096,
};

test('the assistants are read once, and again after a failure that may pass', async () => {
  let seen: readonly Assistant[] = [];
  const Page = (): JSX.Element => {
    seen = useAssistants(api.client);
    return <p>{seen.length}</p>;
  };
  api.assistants = () => Promise.reject(new TokencastError('connection', 'no network'));
  const root = createRoot(document.createElement('div'));
  await act(async () => {
    root.render(<Page />);
    await vi.advanceTimersByTimeAsync(0);
  });
  expect(seen).toEqual([]);
  api.assistants = () => Promise.resolve([GENERAL]);
  await act(async () => {
    await vi.advanceTimersByTimeAsync(5_000);
  });
  expect(seen).toEqual([GENERAL]);
  const asked = api.log.length;
  await act(async () => {
    await vi.advanceTimersByTimeAsync(60_000);
  });
  expect(api.log.length).toBe(asked);
  act(() => {
    root.unmount();
  });
});

test('assistants that are refused are not asked for again', async () => {
  const Page = (): JSX.Element => <p>{useAssistants(api.client).length}</p>;
  const error = new TokencastError('refused', 'no such field', { retryable: false });
  api.assistants = () => Promise.reject(error);
  const root = createRoot(document.createElement('div'));
  await act(async () => {
    root.render(<Page />);
    await vi.advanceTimersByTimeAsync(60_000);
  });
  expect(api.log).toEqual(['assistants']);
  act(() => {
    root.unmount();
  });
});

test('a question names the assistant that is chosen, also as a version and when it is sent again', async () => {
  const store = new ConversationStore(api.client, CONVERSATION, true);
  store.start();
  const first = store.ask('Why?', { assistant: 'careful' }) ?? '';
  await settle();
  expect(api.started.get(first)).toMatchObject({ prompt: 'Why?', assistant: 'careful' });
  api.answer(first).say({ type: 'started', sessionId: first }, text('So.'));
  api.answer(first).say({
    type: 'completed',
    stopReason: 'end_turn',
    usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2, cost: 0.5 },
    guardrail: { action: 'MASKED', masked: ['EMAIL'] },
  });
  await settle();
  const { answer } = store.view();
  expect(answer.guardrail).toEqual({ action: 'MASKED', masked: ['EMAIL'] });
  expect(answer.usage?.cost).toBe(0.5);

  const again = store.regenerate(first, { assistant: 'general' }) ?? '';
  await settle();
  expect(api.started.get(again)).toMatchObject({ prompt: 'Why?', assistant: 'general' });
  api.answer(again).say({ type: 'started', sessionId: again }, text('So.'));
  api.answer(again).say({ type: 'completed', stopReason: null, usage: null });
  await settle();
  const next = store.ask('And?') ?? '';
  await settle();
  expect(api.started.get(next)).not.toHaveProperty('assistant');

  const other = new ConversationStore(api.client, CONVERSATION, true);
  other.start();
  other.turns.restore({ sessionId: 'unsent', parentId: null, prompt: 'Hm?', assistant: 'careful' });
  await settle();
  expect(api.started.get('unsent')).toMatchObject({ prompt: 'Hm?', assistant: 'careful' });
  store.stop();
  other.stop();
});

test('a quota that is used up is an error with its limit and its time', () => {
  const quota = { resetsAt: '2026-11-29T00:00:00.000Z', limit: 'startsPerDay' };
  const error = new TokencastError('refused', 'No more today', {
    errorType: 'QUOTA_EXCEEDED',
    quota,
  });
  expect(asStreamError(error)).toEqual({
    code: 'QUOTA_EXCEEDED',
    message: 'No more today',
    retryable: false,
    ...quota,
  });
});
