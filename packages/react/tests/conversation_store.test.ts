/** A conversation without React: reading, branches, what runs here, and what happens elsewhere. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { TokencastError } from '@tokencast/client';

import { ConversationStore } from '../src/conversation_store.js';
import { completed, CONVERSATION, done, FakeApi, running, text, turn } from './fake_api.js';

let api: FakeApi;
let store: ConversationStore;

beforeEach(() => {
  vi.useFakeTimers();
  api = new FakeApi();
});

afterEach(() => {
  store.stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const soon = (ms = 300): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

async function open(isNew = false): Promise<void> {
  store = new ConversationStore(api.client, CONVERSATION, isNew);
  store.start();
  await soon();
}

/** Connected, as the subscription says. */
async function connected(): Promise<void> {
  api.listeners.get(CONVERSATION)?.resync();
  await soon();
}

const path = (): string =>
  store
    .view()
    .path.map(({ sessionId }) => sessionId)
    .join(' ');
const last = () => store.view().path.at(-1);

test('is read whole, page by page, and then followed', async () => {
  api.pageSize = 2;
  api.add(CONVERSATION, turn('a', null), turn('b', 'a'), turn('c', 'b'));
  await open();
  expect(store.view()).toMatchObject({ state: 'ready', conversation: { turnCount: 3 } });
  expect(path()).toBe('a b c');
  expect(last()?.answer).toMatchObject({ phase: 'completed', text: 'answer of c', sent: true });
  expect(api.log).toEqual(['get 100', 'get 100 2', `listen ${CONVERSATION}`]);
  await connected();
  // It is looked whether anything has changed since, and no more.
  expect(api.log.slice(3)).toEqual(['get 1']);
});

test('what has changed before it could be heard of is read', async () => {
  api.add(CONVERSATION, turn('a', null));
  await open();
  api.add(CONVERSATION, turn('b', 'a'));
  await connected();
  expect(path()).toBe('a b');
});

test('after a lost connection, all is read anew', async () => {
  api.add(CONVERSATION, turn('a', null));
  await open();
  await connected();
  const before = api.count('get 100');
  api.add(CONVERSATION, turn('b', 'a'));
  await connected();
  expect([path(), api.count('get 100') - before]).toEqual(['a b', 1]);
});

test('an id that nobody has used begins a conversation', async () => {
  await open(true);
  expect(store.view()).toMatchObject({ state: 'missing', turns: [] });
  const sessionId = store.ask('Why?') ?? '';
  expect(api.started.get(sessionId)).toEqual({
    prompt: 'Why?',
    conversationId: CONVERSATION,
    parentId: CONVERSATION,
  });
  expect(last()).toMatchObject({ sessionId, parentId: null, prompt: 'Why?' });
  expect(api.log).toEqual(['start Why?']);
  api.add(CONVERSATION, turn(sessionId, null, running('')));
  api.answer(sessionId).say({ type: 'started', sessionId }, text('Because'));
  await soon();
  expect(store.view()).toMatchObject({ state: 'ready', answer: { text: 'Because' } });
  expect(api.listeners.has(CONVERSATION)).toBe(true);
});

test('a question continues the last turn that is shown, once that is over', async () => {
  api.add(CONVERSATION, turn('a', null));
  await open();
  const sessionId = store.ask('And then?') ?? '';
  expect(api.started.get(sessionId)?.parentId).toBe('a');
  expect(path()).toBe(`a ${sessionId}`);
  expect(store.ask('Too soon')).toBeNull();
  api.answer(sessionId).say({ type: 'started', sessionId }, text('So.'), completed);
  await soon();
  const next = store.ask('And now?') ?? '';
  expect(api.started.get(next)?.parentId).toBe(sessionId);
});

test('an edit and another answer are versions, which can be gone through', async () => {
  api.add(CONVERSATION, turn('a', null), turn('b', 'a'));
  await open();
  const edited = store.edit('b', 'Rather this') ?? '';
  expect(api.started.get(edited)).toMatchObject({ prompt: 'Rather this', parentId: 'a' });
  const again = store.regenerate('b') ?? '';
  expect(api.started.get(again)).toMatchObject({ prompt: 'question b', parentId: 'a' });
  expect(path()).toBe(`a ${again}`);
  expect(store.siblings(again)).toMatchObject({ index: 2, count: 3 });
  store.siblings(again).previous();
  expect(path()).toBe(`a ${edited}`);
  store.siblings(edited).previous();
  store.siblings('b').previous();
  expect(path()).toBe('a b');
  store.siblings('b').next();
  expect(path()).toBe(`a ${edited}`);
  const first = store.edit('a', 'Another beginning') ?? '';
  expect(api.started.get(first)?.parentId).toBe(CONVERSATION);
  expect(path()).toBe(first);
  expect(store.edit('nowhere', 'x')).toBeNull();
});

test("another tab's turn appears, and its answer as it comes", async () => {
  api.add(CONVERSATION, turn('a', null));
  await open();
  api.add(CONVERSATION, turn('b', 'a', running('Riv')));
  api.tell(CONVERSATION, { kind: 'TURN_STARTED', sessionId: 'b', parentId: 'a' });
  await soon();
  expect(path()).toBe('a b');
  expect(store.view().conversation?.turnCount).toBe(2);
  // What was read is shown until what is followed has come as far.
  expect(store.view().answer).toMatchObject({ phase: 'streaming', text: 'Riv' });
  api.answer('b').say({ type: 'started', sessionId: 'b' }, text('Riv'), text('ers', 2));
  await soon();
  expect(store.view().answer).toMatchObject({ phase: 'streaming', text: 'Rivers' });
  api.answer('b').say(completed);
  await soon();
  expect(store.view().answer.phase).toBe('completed');
});

test('only the last page is read for a turn that is new', async () => {
  api.pageSize = 2;
  api.add(CONVERSATION, turn('a', null), turn('b', 'a'), turn('c', 'b'));
  await open();
  api.add(CONVERSATION, turn('d', 'c'), turn('e', 'd'));
  const before = api.log.length;
  api.tell(CONVERSATION, { kind: 'TURN_STARTED', sessionId: 'd', parentId: 'c' });
  await soon();
  expect(path()).toBe('a b c d e');
  expect(api.log.slice(before)).toEqual(['get 100 2', 'get 100 4']);
});

test("another tab's branch is another version, and what is shown stays", async () => {
  api.add(CONVERSATION, turn('a', null), turn('b', 'a'));
  await open();
  api.add(CONVERSATION, turn('c', 'a', running('')));
  api.tell(CONVERSATION, { kind: 'TURN_STARTED', sessionId: 'c', parentId: 'a' });
  await soon();
  expect(path()).toBe('a b');
  expect(store.siblings('b')).toMatchObject({ index: 0, count: 2 });
  expect(api.count('resume')).toBe(0);
  // Nobody follows it; that it is over is heard of, and read.
  api.records.set('c', done('whole'));
  api.tell(CONVERSATION, { kind: 'TURN_ENDED', sessionId: 'c', status: 'COMPLETED' });
  await soon();
  store.siblings('b').next();
  expect(store.view().answer).toMatchObject({ phase: 'completed', text: 'whole' });
});

test('a running answer is followed once its branch is shown', async () => {
  api.add(CONVERSATION, turn('a', null), turn('b', 'a', running('x')), turn('c', 'a'));
  await open();
  expect([path(), api.count('resume')]).toEqual(['a c', 0]);
  store.turns.show('b');
  expect([path(), api.count('resume b')]).toEqual(['a b', 1]);
  store.turns.stop();
  expect(api.answer('b').stopped).toBe(true);
});

test('a reload in the midst of an answer follows it', async () => {
  api.add(CONVERSATION, turn('a', null, running('Riv')));
  await open();
  expect(api.log).toContain('resume a');
  expect(store.ask('Too soon')).toBeNull();
  store.stop();
  expect(api.answer('a').left).toBe(true);
});

test('a new title, and the end of all', async () => {
  api.add(CONVERSATION, turn('a', null, running('')));
  await open();
  api.tell(CONVERSATION, { kind: 'RENAMED', title: 'Rivers' });
  expect(store.view().conversation?.title).toBe('Rivers');
  api.tell(CONVERSATION, { kind: 'DELETED' });
  expect(store.view()).toMatchObject({ state: 'deleted', turns: [], conversation: null });
  expect(api.answer('a').left).toBe(true);
  expect(api.listeners.has(CONVERSATION)).toBe(false);
  expect(store.ask('Anybody?')).toBeNull();
});

test('one that was deleted while the connection was lost is gone', async () => {
  api.add(CONVERSATION, turn('a', null));
  await open();
  await connected();
  api.conversations.delete(CONVERSATION);
  await connected();
  expect(store.view().state).toBe('deleted');
});

test('a subscription that is refused for good is not tried again, and reading goes on', async () => {
  api.add(CONVERSATION, turn('a', null));
  await open();
  api.listeners.get(CONVERSATION)?.ended?.(new TokencastError('notFound', 'none'));
  await soon();
  expect(store.view().state).toBe('ready');
  expect(api.count('listen')).toBe(1);
});

test('what cannot be read is tried again', async () => {
  api.add(CONVERSATION, turn('a', null));
  api.failures.set('get', new TokencastError('connection', 'no network'));
  await open();
  expect(store.view()).toMatchObject({ state: 'failed', error: { code: 'CONNECTION' } });
  expect(store.ask('Why?')).toBeNull();
  await soon(1_000);
  expect(store.view()).toMatchObject({ state: 'ready', error: null });
});

test('what may not be read is not', async () => {
  api.failures.set('get', new TokencastError('unauthorized', 'no'));
  await open();
  await soon(120_000);
  expect(store.view()).toMatchObject({ state: 'failed', error: { code: 'OTHER_USER' } });
  expect(api.count('get')).toBe(1);
  store.reload();
  await soon();
  expect(store.view().state).toBe('missing');
});

test('a question without a network waits, can be taken back, and is restored after a reload', async () => {
  api.add(CONVERSATION, turn('a', null));
  await open();
  const onLine = vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
  const unsent = store.ask('Why?') ?? '';
  expect(store.view().answer).toMatchObject({ phase: 'unsent', sent: false });
  const question = store.turns.discard(unsent);
  expect(question).toEqual({ sessionId: unsent, parentId: 'a', prompt: 'Why?' });
  expect(path()).toBe('a');
  onLine.mockReturnValue(true);
  if (question !== null) store.turns.restore(question);
  expect(api.started.get(unsent)).toEqual({
    prompt: 'Why?',
    conversationId: CONVERSATION,
    parentId: 'a',
  });
  expect(path()).toBe(`a ${unsent}`);
  // The same once more shows it, and starts nothing.
  if (question !== null) store.turns.restore(question);
  expect(api.count('start')).toBe(1);
  api.answer(unsent).say({ type: 'started', sessionId: unsent });
  await soon();
  expect(store.turns.discard(unsent)).toBeNull();
});

test('a question that was refused is no parent, and can be asked in other words', async () => {
  api.add(CONVERSATION, turn('a', null));
  await open();
  const refused = store.ask('x'.repeat(9)) ?? '';
  api
    .answer(refused)
    .say(new TokencastError('refused', 'too long', { errorType: 'INVALID_PROMPT' }));
  await soon();
  expect(store.view().answer).toMatchObject({ phase: 'failed', error: { code: 'INVALID_PROMPT' } });
  const next = store.ask('shorter') ?? '';
  expect(api.started.get(next)?.parentId).toBe('a');
  expect(path()).toBe(`a ${next}`);
});

test('a turn that is over is the same object, whatever happens besides', async () => {
  api.add(CONVERSATION, turn('a', null));
  await open();
  const [before] = store.view().path;
  const sessionId = store.ask('Why?') ?? '';
  api.answer(sessionId).say({ type: 'started', sessionId }, text('Because'));
  await soon();
  expect(store.view().path[0]).toBe(before);
});

test('an answer that is gone says so', async () => {
  api.add(CONVERSATION, turn('a', null, null));
  await open();
  expect(store.view().answer).toMatchObject({ phase: 'failed', error: { code: 'NOT_FOUND' } });
});
