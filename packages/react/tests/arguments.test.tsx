/** What a page in plain JavaScript may hand in by mistake is refused by its name, and a token that is missing is a sign-out. */

import { TokencastError } from '@tokencast/client';
import type { JSX } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, test } from 'vitest';

import { asStreamError } from '../src/answer_view.js';
import {
  AnswerStore,
  useAssistants,
  useConversation,
  useConversations,
  useStream,
} from '../src/index.js';
import { CONVERSATION, FakeApi } from './fake_api.js';

const none = undefined as never;

const HOOKS: [name: string, use: () => unknown, given: string][] = [
  ['useStream', () => useStream(none), '`client` is undefined, expected what `createClient`'],
  ['useConversations', () => useConversations(none), '`client` is undefined, expected what'],
  ['useAssistants', () => useAssistants(none), '`client` is undefined, expected what'],
  ['useConversation', () => useConversation(none, CONVERSATION), '`client` is undefined, expect'],
  [
    'useConversation',
    () => useConversation(new FakeApi().client, none),
    '`conversationId` is undefined, expected a string',
  ],
];

test.each(HOOKS)('%s refuses what is none', (_, use, message) => {
  const Page = (): JSX.Element => {
    use();
    return <p />;
  };
  expect(() => renderToString(<Page />)).toThrow(TypeError);
  expect(() => renderToString(<Page />)).toThrow(message);
});

test('a handler that is handed on as it is asks nothing, and says why', () => {
  const api = new FakeApi();
  const store = new AnswerStore(api.client);
  const event = { type: 'click' } as never;
  const ask = () => store.ask(event);
  expect(ask).toThrow(new TypeError('`prompt` is of the type `object`, expected a string'));
  const resume = () => {
    store.resume(none);
  };
  expect(resume).toThrow(new TypeError('`sessionId` is undefined, expected a string'));
  expect(store.view().phase).toBe('idle');
  expect(api.log).toEqual([]);
});

test('a token that is not to be had is a sign-out', () => {
  const error = new TokencastError('unauthorized', 'no token', { errorType: 'NoToken' });
  expect(asStreamError(error)).toMatchObject({ code: 'SIGNED_OUT', retryable: false });
});
