/** How long a client waits: each row of the table in docs/PROTOCOL.md, over each delivery. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Delivery } from '../../src/outputs.js';
import { DEADLINE, outcome, record, Server, WHOLE, type Script } from '../support/scripted.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const ID = '7d1c3a6e-6f1c-4b3c-9a55-0f6d3f0d6f11';

interface Row {
  what: string;
  script: Script;
  begin?: 'start' | 'resume';
  /** Only over these. */
  only?: Delivery[];
  /** What the error has; none if it ends with an event. */
  error?: object;
  /** The type of the last event. */
  last?: string;
  /** Within which seconds it ends. */
  within: [from: number, to: number];
  /** How often the start was sent, at least and at most. */
  starts?: [from: number, to: number];
}

const BUSY = { code: 'THROTTLED', retryable: true };
const REFUSED = { code: 'INVALID_PROMPT', retryable: false };
const CONNECTION = { kind: 'connection' };
const CLAIMED = { kind: 'notFound', errorType: 'CLAIMED' };

const ROWS: Row[] = [
  {
    what: 'a subscription is never acknowledged',
    script: { connect: () => 'hang' },
    only: ['appsync'],
    error: CONNECTION,
    within: [20, 21],
    starts: [0, 0],
  },
  {
    what: 'a handshake is never answered',
    script: { connect: () => 'hang' },
    only: ['websocket'],
    error: CONNECTION,
    within: [59, 76],
    starts: [0, 0],
  },
  {
    what: 'a session that is resumed cannot be reached',
    script: { connect: () => 'reset', record: () => 'reset' },
    begin: 'resume',
    error: CONNECTION,
    within: [10, 21],
  },
  {
    what: 'a session that is resumed is not answered',
    script: { connect: () => 'hang', record: () => 'hang' },
    begin: 'resume',
    error: CONNECTION,
    within: [15, 70],
  },
  {
    what: 'a start is never answered',
    script: { start: () => 'hang', record: () => null },
    error: CONNECTION,
    within: [60, 92],
    starts: [2, 3],
  },
  {
    what: 'a start breaks off each time',
    script: { start: () => 'reset', record: () => null },
    error: CONNECTION,
    within: [48, 60],
    starts: [8, 30],
  },
  {
    what: 'a start fails in passing each time',
    script: { start: () => BUSY, record: () => null },
    error: { kind: 'refused', errorType: 'THROTTLED' },
    within: [48, 60],
    starts: [8, 30],
  },
  {
    what: 'a start is refused for good',
    script: { start: () => REFUSED },
    error: { kind: 'refused', errorType: 'INVALID_PROMPT' },
    within: [0, 1],
    starts: [1, 1],
  },
  {
    what: 'a start fails in passing, and then goes well',
    script: { start: (count) => (count < 4 ? BUSY : 'ok'), events: () => WHOLE },
    last: 'completed',
    within: [0, 5],
    starts: [4, 4],
  },
  {
    what: 'a start whose answer is lost has begun all the same',
    script: { start: () => 'hang', record: () => record('STREAMING', 'a'), events: () => WHOLE },
    only: ['appsync', 'url'],
    last: 'completed',
    within: [0, 62],
    starts: [1, 3],
  },
  {
    what: 'a session waits in the queue until the server ends it',
    script: {
      record: (count) => (count < 6 ? record('QUEUED') : { ...record('FAILED'), error: DEADLINE }),
    },
    last: 'failed',
    within: [180, 400],
    starts: [1, 1],
  },
  {
    what: 'a session streams without an event until the server ends it',
    script: {
      record: (count) =>
        count < 6 ? record('STREAMING') : { ...record('FAILED'), error: DEADLINE },
    },
    last: 'failed',
    within: [60, 100],
    starts: [1, 1],
  },
  {
    what: 'the record says CLAIMED though the start was acknowledged',
    script: { record: () => record('CLAIMED') },
    error: CLAIMED,
    within: [1, 16],
  },
  {
    what: 'the record is unknown though the start was acknowledged',
    script: { record: () => null },
    error: { kind: 'notFound' },
    within: [1, 46],
  },
  {
    what: 'a session that is resumed was never started',
    script: { record: () => record('CLAIMED') },
    begin: 'resume',
    error: CLAIMED,
    within: [10, 31],
  },
  {
    what: 'after the start nothing can be reached any more',
    script: {
      connect: (count) => (count === 1 ? 'ok' : 'reset'),
      start: () => 'ok',
      record: () => 'reset',
    },
    only: ['appsync', 'websocket'],
    error: { kind: 'gaveUp' },
    within: [290, 330],
  },
  {
    what: 'after the start nothing is answered any more',
    script: {
      connect: (count) => (count === 1 ? 'ok' : 'hang'),
      record: () => 'hang',
    },
    error: { kind: 'gaveUp' },
    within: [290, 430],
  },
];

const deliveries: Delivery[] = ['appsync', 'url', 'websocket'];

describe.each(deliveries)('over %s', (delivery) => {
  const rows = ROWS.filter(({ only = deliveries }) => only.includes(delivery));

  test.each(rows.map((row) => ({ ...row })))('$what', async (row) => {
    const server = new Server(row.script);
    const client = server.client(delivery);
    const ended = await outcome(
      row.begin === 'resume' ? client.resumeStream(ID) : client.streamPrompt('Why?'),
    );
    expect(ended, 'it ends').not.toBeNull();
    if (row.error) expect(ended?.error).toMatchObject(row.error);
    else expect(ended?.error).toBeNull();
    if (row.last) expect(ended?.events.at(-1)).toMatchObject({ type: row.last });
    // Whoever shows that it reconnects shows it no longer once it has.
    const told = (ended?.events ?? []).filter(({ type }) => type.startsWith('reconnect'));
    if (row.last === 'completed') expect(told.at(-1)?.type ?? 'reconnected').toBe('reconnected');
    expect(ended?.tookS).toBeGreaterThanOrEqual(row.within[0]);
    expect(ended?.tookS).toBeLessThanOrEqual(row.within[1]);
    const [least, most] = row.starts ?? [0, Infinity];
    expect(server.count('start')).toBeGreaterThanOrEqual(least);
    expect(server.count('start')).toBeLessThanOrEqual(most);
  });

  test('a stop that nobody confirms counts all the same', async () => {
    const server = new Server({ stop: () => 'hang', record: () => record('STREAMING') });
    const stop = new AbortController();
    const stream = server.client(delivery).streamPrompt('Why?', { signal: stop.signal });
    const ended = await outcome(stream, ({ type }) => {
      if (type === 'started') stop.abort();
    });
    expect(ended).toMatchObject({ error: null, tookS: 10 });
    expect(ended?.events.at(-1)).toMatchObject({ type: 'cancelled' });
    expect(server.count('stop')).toBe(1);
  });

  test('a stop while a start fails keeps it from being sent again', async () => {
    const server = new Server({ start: () => BUSY, record: () => null });
    const stop = new AbortController();
    setTimeout(() => {
      stop.abort();
    }, 5_000);
    const stream = server.client(delivery).streamPrompt('Why?', { signal: stop.signal });
    const ended = await outcome(stream);
    expect(ended?.tookS).toBeLessThanOrEqual(16);
    expect(server.seconds('start').at(-1)).toBeLessThanOrEqual(5);
    expect(server.count('stop')).toBeGreaterThanOrEqual(1);
  });

  test('calls that are never answered end', async () => {
    const server = new Server({ stop: () => 'hang', record: () => 'hang' });
    const client = server.client(delivery);
    const calls = Promise.allSettled([client.getStream(ID), client.stopStream(ID)]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});

test.each<[Delivery, number[]]>([
  ['appsync', [2, 17, 47, 107, 167]],
  // A response without a byte is left after 45 s, and the next one asked about anew.
  ['url', [15, 30, 60]],
  ['websocket', [2, 17, 47, 107, 167]],
])('over %s the record is asked for more and more seldom in the queue', async (delivery, asked) => {
  const server = new Server({
    record: (count) => (count < 6 ? record('QUEUED') : { ...record('FAILED'), error: DEADLINE }),
  });
  await outcome(server.client(delivery).streamPrompt('Why?'));
  expect(server.seconds('record').slice(0, asked.length)).toEqual(asked);
});
