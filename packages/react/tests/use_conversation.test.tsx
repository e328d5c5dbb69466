/** The hooks for conversations in a page. */

import { act, StrictMode, type JSX } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import {
  useConversation,
  useConversations,
  type ConversationsView,
  type ConversationView,
} from '../src/index.js';
import { completed, CONVERSATION, FakeApi, running, text, turn } from './fake_api.js';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let api: FakeApi;
let root: Root;
let view: ConversationView;
let list: ConversationsView;

function Page({ id, isNew = false }: { id: string; isNew?: boolean }): JSX.Element {
  list = useConversations(api.client);
  view = useConversation(api.client, id, { isNew });
  return <p>{view.path.map(({ answer }) => answer.text).join(' ')}</p>;
}

beforeEach(() => {
  vi.useFakeTimers();
  api = new FakeApi();
  root = createRoot(document.body.appendChild(document.createElement('div')));
});

afterEach(() => {
  act(() => {
    root.unmount();
  });
  document.body.replaceChildren();
  vi.useRealTimers();
});

const soon = (): Promise<void> =>
  act(async () => {
    await vi.advanceTimersByTimeAsync(300);
  });

async function show(page: JSX.Element): Promise<void> {
  act(() => {
    root.render(<StrictMode>{page}</StrictMode>);
  });
  await soon();
}

test('a conversation is shown, asked in, and left; React may mount it twice', async () => {
  api.add(CONVERSATION, turn('a', null));
  await show(<Page id={CONVERSATION.toUpperCase()} />);
  expect(document.body.textContent).toBe('answer of a');
  expect(list.items).toHaveLength(1);
  act(() => {
    view.ask('And then?');
  });
  const asked = view.answer.sessionId ?? '';
  api.answer(asked).say({ type: 'started', sessionId: asked }, text('So.'));
  await soon();
  expect(document.body.textContent).toBe('answer of a So.');
  expect(view.siblings(asked)).toMatchObject({ index: 0, count: 1 });
  act(() => {
    root.render(null);
  });
  expect(api.answer(asked)).toMatchObject({ left: true, stopped: false });
  expect(api.listeners.size).toBe(0);
});

test('with another id, another conversation is shown', async () => {
  api.add(CONVERSATION, turn('a', null, running('half')));
  api.add('other', turn('b', null));
  await show(<Page id={CONVERSATION} />);
  const left = api.answer('a');
  await show(<Page id="other" />);
  expect(document.body.textContent).toBe('answer of b');
  expect(left.left).toBe(true);
  expect(api.listeners.has(CONVERSATION)).toBe(false);
});

test('functions stay the same from view to view', async () => {
  await show(<Page id={CONVERSATION} isNew />);
  const { ask, stop, siblings } = view;
  const { rename, more } = list;
  act(() => {
    view.ask('Why?');
  });
  await soon();
  expect([view.ask, view.stop, view.siblings]).toEqual([ask, stop, siblings]);
  expect([list.rename, list.more]).toEqual([rename, more]);
});

test('a stop stops the answer that is shown', async () => {
  await show(<Page id={CONVERSATION} isNew />);
  act(() => {
    view.ask('Why?');
  });
  const { sessionId } = view.answer;
  act(() => {
    view.stop();
  });
  expect(api.answer(sessionId ?? '').stopped).toBe(true);
  api.answer(sessionId ?? '').say({ type: 'cancelled', stopReason: null, usage: null });
  await soon();
  expect(view.answer.phase).toBe('cancelled');
});

test('how long the model reasons is measured where it is seen, and read where it is not', async () => {
  await show(<Page id={CONVERSATION} isNew />);
  act(() => {
    view.ask('Think');
  });
  const sessionId = view.answer.sessionId ?? '';
  const place = { sequence: 1, attempt: 1 };
  const answer = api.answer(sessionId);
  answer.say(
    { type: 'started', sessionId },
    { type: 'reasoning', text: 'Hm', blockIndex: 0, ...place },
  );
  await soon();
  expect(view.answer).toMatchObject({ text: '', reasoningMs: null });
  expect(view.answer.blocks).toEqual([{ index: 0, type: 'REASONING', reasoning: 'Hm' }]);
  answer.say({ ...text('So.'), blockIndex: 1 } as ReturnType<typeof text>);
  await soon();
  expect(view.answer.reasoningMs).toBeGreaterThanOrEqual(300);
  answer.say(completed);
  await soon();
  expect(api.count('getStream')).toBe(0);
});

test('a server shows what there is at first: nothing', () => {
  expect(renderToString(<Page id={CONVERSATION} />)).toBe('<p></p>');
  expect(view.state).toBe('loading');
});
