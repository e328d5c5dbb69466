/** A laptop that slept: its connections are dead without a word, and its clocks don't agree. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Delivery } from '../../src/outputs.js';
import { outcome, record, Server, WHOLE } from '../support/scripted.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const HOUR_MS = 3_600_000;
const deliveries: Delivery[] = ['appsync', 'url', 'websocket'];

describe.each(deliveries)('over %s', (delivery) => {
  test('whose monotonic clock stood still, the answer goes on within seconds', async () => {
    // The first connection never brings anything.
    const server = new Server({
      record: () => record('STREAMING'),
      events: (connection) => (connection > 1 ? WHOLE : []),
    });
    setTimeout(() => {
      vi.setSystemTime(Date.now() + 8 * HOUR_MS);
    }, 4_000);
    const ended = await outcome(server.client(delivery).streamPrompt('Why?'));
    expect(ended?.error).toBeNull();
    expect(ended?.events.at(-1)).toMatchObject({ type: 'completed' });
    expect(ended?.events).toContainEqual(expect.objectContaining({ reason: 'This machine slept' }));
    expect(ended?.tookS).toBeLessThanOrEqual(12);
  });

  test('time asleep is no time without a connection', async () => {
    let asleep = false;
    const server = new Server({
      connect: (count) => (count === 1 || asleep ? 'ok' : 'reset'),
      record: () => (asleep ? record('STREAMING') : 'reset'),
      events: (connection) => (connection > 1 && asleep ? WHOLE : []),
    });
    // Shortly before it would give up: the network goes, the lid is shut, and with both clocks ahead it is opened.
    setTimeout(() => {
      asleep = true;
      vi.setSystemTime(Date.now() + HOUR_MS);
      const now = performance.now.bind(performance);
      vi.spyOn(performance, 'now').mockImplementation(() => now() + HOUR_MS);
    }, 280_000);
    const ended = await outcome(server.client(delivery).streamPrompt('Why?'));
    vi.restoreAllMocks();
    expect(ended?.error).toBeNull();
    expect(ended?.events.at(-1)).toMatchObject({ type: 'completed' });
  });
});
