/** The list of conversations without React: pages, what lags behind, what happens elsewhere, and what fails. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { TokencastError } from '@tokencast/client';

import { ConversationsStore } from '../src/conversations_store.js';
import { FakeApi, turn } from './fake_api.js';

let api: FakeApi;
let store: ConversationsStore;

beforeEach(() => {
  vi.useFakeTimers();
  api = new FakeApi();
  store = new ConversationsStore(api.client);
});

afterEach(() => {
  store.stop();
  vi.useRealTimers();
});

const soon = (ms = 300): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

async function open(...ids: string[]): Promise<void> {
  for (const id of ids) api.add(id, turn(`turn of ${id}`, null));
  store.start(api.client);
  await soon();
}

/** Connected, as the subscription says. */
async function connected(): Promise<void> {
  api.listeners.get('all')?.resync();
  await soon();
}

const ids = (): string =>
  store
    .view()
    .items.map(({ conversationId }) => conversationId)
    .join('');

test('comes by pages, the one with the newest turn first', async () => {
  api.pageSize = 2;
  await open('a', 'b', 'c', 'd', 'e');
  expect(store.view()).toMatchObject({ state: 'ready', hasMore: true });
  expect(ids()).toBe('ed');
  store.more();
  store.more();
  expect(store.view().loadingMore).toBe(true);
  await soon();
  expect([ids(), store.view().hasMore]).toEqual(['edcb', true]);
  store.more();
  await soon();
  expect([ids(), store.view().hasMore]).toEqual(['edcba', false]);
  expect(api.count('list')).toBe(3);
});

test('one that moved between two pages is listed once', async () => {
  api.pageSize = 2;
  await open('a', 'b', 'c', 'd');
  api.add('x', turn('x1', null));
  store.more();
  await soon();
  // `c` is on the second page now as well.
  expect(ids()).toBe('dcb');
});

test('what a connection brings back is read as far as it was', async () => {
  api.pageSize = 2;
  await open('a', 'b', 'c', 'd');
  store.more();
  await soon();
  api.add('e', turn('e1', null));
  await connected();
  expect(ids().slice(0, 4)).toBe('edcb');
});

test('a change while it is read for the first time is not missed', async () => {
  store.start(api.client);
  // Connected before the first reading has come.
  api.listeners.get('all')?.resync();
  await soon();
  expect(api.count('list')).toBe(2);
});

test('a conversation that begins elsewhere is in front, though the list lags behind', async () => {
  await open('a');
  const lagging = new Map(api.conversations);
  api.add('b', turn('b1', null));
  api.tell('all', { kind: 'TURN_STARTED', conversationId: 'b', sessionId: 'b1' });
  await soon();
  expect(ids()).toBe('ba');
  const caughtUp = new Map(api.conversations);
  api.conversations.clear();
  for (const [id, conversation] of lagging) api.conversations.set(id, conversation);
  await connected();
  expect(ids()).toBe('ba');
  for (const [id, conversation] of caughtUp) api.conversations.set(id, conversation);
  await connected();
  expect(ids()).toBe('ba');
});

test('a turn moves its conversation to the front', async () => {
  await open('a', 'b');
  api.tell('all', { kind: 'TURN_STARTED', conversationId: 'a', sessionId: 'a2' });
  expect(ids()).toBe('ab');
  expect(store.view().items[0]).toMatchObject({ turnCount: 2, lastSessionId: 'a2' });
});

test('a new title elsewhere is shown, and an older list takes it back no more', async () => {
  await open('a');
  api.tell('all', { kind: 'RENAMED', conversationId: 'a', title: 'Rivers' });
  expect(store.view().items[0]?.title).toBe('Rivers');
  await connected();
  expect(store.view().items[0]?.title).toBe('Rivers');
});

test('a new title is shown at once, and the old one again if it is refused', async () => {
  await open('a');
  const renamed = store.rename('a', 'Rivers');
  expect(store.view().items[0]?.title).toBe('Rivers');
  expect(await renamed).toBe(true);
  api.failures.set(
    'rename',
    new TokencastError('refused', 'no', { errorType: 'INVALID_ARGUMENT' }),
  );
  expect(await store.rename('a', '')).toBe(false);
  expect(store.view()).toMatchObject({
    items: [{ title: 'Rivers' }],
    error: { code: 'INVALID_ARGUMENT' },
  });
});

test('one that is deleted is gone at once, whatever the list says', async () => {
  await open('a', 'b', 'c');
  const lagging = api.conversations.get('b');
  expect(await store.remove('b')).toBe(true);
  expect(ids()).toBe('ca');
  if (lagging) api.conversations.set('b', lagging);
  await connected();
  expect(ids()).toBe('ca');
  api.tell('all', { kind: 'DELETED', conversationId: 'a' });
  expect(ids()).toBe('c');
});

test('one that could not be deleted is back in its place', async () => {
  await open('a', 'b', 'c');
  api.failures.set('delete', new TokencastError('connection', 'no network'));
  const removed = store.remove('b');
  expect(ids()).toBe('ca');
  expect(await removed).toBe(false);
  expect([ids(), store.view().error?.code]).toEqual(['cba', 'CONNECTION']);
});

test('what cannot be read is tried again, and a list that is there stays', async () => {
  api.failures.set('list', new TokencastError('connection', 'no network'));
  await open('a');
  expect(store.view()).toMatchObject({ state: 'failed', error: { code: 'CONNECTION' } });
  await soon(1_000);
  expect(store.view()).toMatchObject({ state: 'ready', error: null });
  api.failures.set('list', new TokencastError('connection', 'no network'));
  await connected();
  expect(store.view()).toMatchObject({ state: 'ready', error: { code: 'CONNECTION' } });
  expect(ids()).toBe('a');
});

test('who may not hear of changes is told so, and has the list', async () => {
  await open('a');
  api.listeners.get('all')?.ended?.(new TokencastError('unauthorized', 'no'));
  expect(store.view()).toMatchObject({ state: 'ready', error: { code: 'OTHER_USER' } });
});

test('what was read before it was stopped is late', async () => {
  api.add('a', turn('a1', null));
  store.start(api.client);
  store.stop();
  await soon();
  expect(ids()).toBe('');
  expect(api.listeners.size).toBe(0);
});
