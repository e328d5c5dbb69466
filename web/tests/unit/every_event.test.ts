/** What the playground shows of a subscription. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { everyEvent, type Events, type Observer } from '../../src/api/every_event';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Subscriptions whose server is the test. */
function wire(): { open: () => Events; observers: Observer[]; ended: () => number } {
  const observers: Observer[] = [];
  let ended = 0;
  const open = (): Events => ({
    subscribe: (observer) => {
      observers.push(observer);
      return {
        unsubscribe: () => {
          ended += 1;
        },
      };
    },
  });
  return { open, observers, ended: () => ended };
}

function watch(events: Events): { said: unknown[]; unsubscribe: () => void } {
  const said: unknown[] = [];
  const subscription = events.subscribe({
    next: (result) => said.push(result),
    error: (error) => said.push({ error }),
    complete: () => said.push('complete'),
  });
  return {
    said,
    unsubscribe: () => {
      subscription.unsubscribe();
    },
  };
}

const never = (): Promise<boolean> => Promise.resolve(false);

test('shows all events, the newest first, with their count', () => {
  const { open, observers } = wire();
  const { said } = watch(everyEvent(open, never));
  for (const event of ['a', 'b', 'c']) observers[0]?.next(event);
  // The first at once; those that follow in the same moment together.
  expect(said).toEqual([{ eventCount: 1, newestFirst: ['a'] }]);
  vi.runAllTimers();
  expect(said.slice(1)).toEqual([{ eventCount: 3, newestFirst: ['c', 'b', 'a'] }]);
});

test('shows the last ones, however it ends', () => {
  for (const end of ['complete', 'error', 'unsubscribe'] as const) {
    const { open, observers } = wire();
    const { said, unsubscribe } = watch(everyEvent(open, never));
    observers[0]?.next('a');
    observers[0]?.next('b');
    if (end === 'complete') observers[0]?.complete();
    else if (end === 'unsubscribe') unsubscribe();
    else observers[0]?.next('c');
    vi.runAllTimers();
    expect(said[1]).toMatchObject({ eventCount: end === 'error' ? 3 : 2 });
  }
});

test('goes on with a new token, once for each time that one was taken', async () => {
  const { open, observers, ended } = wire();
  const renewed: unknown[] = [];
  const renew = (error: unknown): Promise<boolean> => {
    renewed.push(error);
    return Promise.resolve(error === 'expired');
  };
  const { said } = watch(everyEvent(open, renew));
  observers[0]?.next('a');
  observers[0]?.error('expired');
  await vi.waitUntil(() => observers.length === 2);
  observers[1]?.next('b');
  vi.runAllTimers();
  expect(said.at(-1)).toEqual({ eventCount: 2, newestFirst: ['b', 'a'] });
  observers[1]?.error('expired');
  await vi.waitUntil(() => observers.length === 3);
  // The new one isn't taken either.
  observers[2]?.error('expired');
  expect(said.at(-1)).toEqual({ error: 'expired' });
  expect(renewed).toEqual(['expired', 'expired']);
  expect(ended()).toBe(1);
});

test('says any other error', async () => {
  const { open, observers } = wire();
  const { said } = watch(everyEvent(open, never));
  observers[0]?.error('refused');
  await vi.waitUntil(() => said.length === 1);
  expect(said).toEqual([{ error: 'refused' }]);
});
