/** What a session does when the transport fails in ways that a real one seldom does on demand. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { clientOver } from '../../src/client.js';
import { errorOfType, TokencastError } from '../../src/errors.js';
import type { Listener, Transport } from '../../src/transport.js';
import type { AnswerEvent, Snapshot, TokenEvent } from '../../src/types.js';
import { outcome } from '../support/scripted.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const FAST = {
  firstConnection: 500,
  connect: 200,
  giveUpAfter: 300,
  retryFirst: 1,
  retryMax: 5,
  gap: 1,
  firstToken: 5,
  idle: 20,
  idleUnsubscribed: 5,
  stop: 50,
};

/** A transport whose server is an object in the test. */
class Wire implements Transport {
  listener: Listener | null = null;
  subscriptions = 0;
  starts: string[] = [];
  stops = 0;
  offline = false;
  session: Snapshot | null = null;
  /** Called for each subscription, after it was made. */
  onSubscribe: (listener: Listener, count: number) => void = (listener) => {
    listener.established();
  };
  onStart: (count: number) => Promise<void> = () => Promise.resolve();

  startStream(_sessionId: string, prompt: string): Promise<void> {
    this.starts.push(prompt);
    return this.onStart(this.starts.length);
  }

  stopStream(): Promise<void> {
    this.stops += 1;
    return Promise.resolve();
  }

  getStream(): Promise<Snapshot | null> {
    if (this.offline) return Promise.reject(new TokencastError('connection', 'Network error'));
    return Promise.resolve(this.session);
  }

  subscribe(_sessionId: string, listener: Listener): () => void {
    this.listener = listener;
    this.subscriptions += 1;
    const count = this.subscriptions;
    queueMicrotask(() => {
      this.onSubscribe(listener, count);
    });
    return () => {
      if (this.listener === listener) this.listener = null;
    };
  }

  onOnline(): () => void {
    return () => undefined;
  }

  say(sequence: number, token: string, more: Partial<TokenEvent> = {}): void {
    this.listener?.event({ attempt: 1, sequence, token, isComplete: false, ...more });
  }
}

const END = { isComplete: true, status: 'COMPLETED' } as const;
const streaming = (text: string, sequence: number): Snapshot => ({
  status: 'STREAMING',
  text,
  sequence,
  attempt: 1,
});

async function all(wire: Wire, signal?: AbortSignal): Promise<AnswerEvent[]> {
  const stream = clientOver(wire, FAST).streamPrompt('why', signal ? { signal } : {});
  const ended = await outcome(stream);
  if (ended === null) throw new Error('it does not end');
  if (ended.error !== null) throw ended.error as Error;
  const { events } = ended;
  expect(wire.listener, 'the subscription was ended').toBeNull();
  return events;
}

const types = (events: AnswerEvent[]): string[] => events.map(({ type }) => type);

test('nothing is started before the subscription is acknowledged', async () => {
  const wire = new Wire();
  wire.onSubscribe = (listener) => {
    expect(wire.starts).toEqual([]);
    listener.established();
  };
  wire.onStart = () => {
    wire.say(1, 'a');
    wire.say(2, '', END);
    return Promise.resolve();
  };
  expect(types(await all(wire))).toEqual(['started', 'status', 'text', 'completed']);
  expect(wire.starts).toEqual(['why']);
});

test('a subscription that breaks in the middle is made again, and what was missed comes from a snapshot', async () => {
  const wire = new Wire();
  wire.onStart = () => {
    wire.say(1, 'a');
    wire.session = streaming('abc', 3);
    wire.listener?.lost(new TokencastError('connection', 'gone'));
    return Promise.resolve();
  };
  wire.onSubscribe = (listener, count) => {
    listener.established();
    if (count > 1) {
      wire.say(4, 'd');
      wire.say(5, '', END);
    }
  };
  const events = await all(wire);
  expect(textOf(events)).toBe('abcd');
  expect(types(events)).toContain('reconnecting');
  expect(types(events)).toContain('reconnected');
  expect(wire.starts).toHaveLength(1);
});

test('the answer goes on by snapshots alone while there is no subscription', async () => {
  const wire = new Wire();
  wire.onStart = () => {
    wire.session = streaming('ab', 2);
    wire.listener?.lost(new TokencastError('connection', 'gone'));
    return Promise.resolve();
  };
  wire.onSubscribe = (listener, count) => {
    if (count === 1) {
      listener.established();
    } else if (count === 5) {
      wire.session = { ...streaming('abc', 4), status: 'COMPLETED' };
    } else {
      listener.lost(new TokencastError('connection', 'still gone'));
    }
  };
  const events = await all(wire);
  expect(textOf(events)).toBe('abc');
  expect(types(events).at(-1)).toBe('completed');
});

test('a lost terminal event is found by asking', async () => {
  const wire = new Wire();
  wire.onStart = () => {
    wire.say(1, 'a');
    wire.session = { ...streaming('a', 2), status: 'COMPLETED' };
    return Promise.resolve();
  };
  expect(types(await all(wire)).at(-1)).toBe('completed');
});

test('waiting in the queue is told', async () => {
  const wire = new Wire();
  wire.session = { ...streaming('', 0), status: 'QUEUED', attempt: 0 };
  const ended = await outcome(clientOver(wire, FAST).streamPrompt('why'), (event) => {
    if (event.type === 'status' && event.status === 'QUEUED') {
      wire.say(1, 'a');
      wire.say(2, '', END);
    }
  });
  const { events = [] } = ended ?? {};
  expect(events.filter(({ type }) => type === 'status')).toEqual([
    { type: 'status', status: 'QUEUED' },
    { type: 'status', status: 'STREAMING' },
  ]);
});

test('a start that fails in passing is tried again; another failure is final', async () => {
  const wire = new Wire();
  wire.onStart = (count) => {
    if (count < 3) return Promise.reject(new TokencastError('connection', 'Network error'));
    wire.say(1, '', END);
    return Promise.resolve();
  };
  expect(types(await all(wire)).at(-1)).toBe('completed');
  expect(wire.starts).toHaveLength(3);

  const refusing = new Wire();
  refusing.onStart = () => Promise.reject(errorOfType('INVALID_PROMPT', 'too long'));
  await expect(all(refusing)).rejects.toMatchObject({ errorType: 'INVALID_PROMPT' });
});

test('a subscription that is refused is final; one that is throttled is tried again', async () => {
  const refusing = new Wire();
  refusing.onSubscribe = (listener) => {
    listener.lost(errorOfType('Unauthorized', 'not yours'));
  };
  await expect(all(refusing)).rejects.toMatchObject({ kind: 'unauthorized' });
  expect(refusing.subscriptions).toBe(1);

  const full = new Wire();
  full.onSubscribe = (listener, count) => {
    if (count === 1) listener.lost(errorOfType('MaxSubscriptionsReachedError', 'full'));
    else listener.established();
  };
  full.onStart = () => {
    full.say(1, '', END);
    return Promise.resolve();
  };
  expect(types(await all(full)).at(-1)).toBe('completed');
});

test('it gives up when there is never a connection, and when one is lost for good', async () => {
  const never = new Wire();
  never.onSubscribe = () => undefined;
  await expect(all(never)).rejects.toMatchObject({ kind: 'connection' });

  const lost = new Wire();
  lost.onStart = () => {
    lost.offline = true;
    lost.listener?.lost(new TokencastError('connection', 'gone'));
    return Promise.resolve();
  };
  lost.onSubscribe = (listener, count) => {
    if (count === 1) listener.established();
  };
  await expect(all(lost)).rejects.toMatchObject({ kind: 'gaveUp' });
});

test('a stop that no event confirms counts all the same after a while', async () => {
  const wire = new Wire();
  const stop = new AbortController();
  wire.onStart = () => {
    wire.say(1, 'a');
    wire.session = streaming('a', 1);
    stop.abort();
    return Promise.resolve();
  };
  const events = await all(wire, stop.signal);
  expect(types(events).at(-1)).toBe('cancelled');
  expect(wire.stops).toBe(1);
});

test('an answer that starts again clears what was there', async () => {
  const wire = new Wire();
  wire.onStart = () => {
    wire.say(1, 'first');
    wire.say(1, 'second', { attempt: 2 });
    wire.say(2, '', { ...END, attempt: 2 });
    return Promise.resolve();
  };
  const events = await all(wire);
  expect(types(events)).toEqual(['started', 'status', 'text', 'restarted', 'text', 'completed']);
  expect(textOf(events)).toBe('second');
});

test('leaving while an event is awaited ends the subscription at once', async () => {
  const wire = new Wire();
  const client = clientOver(wire, { ...FAST, firstToken: 60_000, idle: 60_000 });
  const events = client.streamPrompt('why')[Symbol.asyncIterator]();
  expect((await events.next()).value).toMatchObject({ type: 'started' });
  const pending = events.next();
  await events.return?.();
  expect(wire.listener).toBeNull();
  expect(await pending).toEqual({ done: true, value: undefined });
});

function textOf(events: AnswerEvent[]): string {
  return events.reduce((text, event) => {
    if (event.type === 'restarted') return '';
    return event.type === 'text' ? text + event.text : text;
  }, '');
}
