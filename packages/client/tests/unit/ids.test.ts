/** Capital letters of an id: one session, and always the same text on the wire. */

import { expect, test } from 'vitest';

import { clientOver, clientOverReplay } from '../../src/client.js';
import type { ReplayTransport, Transport } from '../../src/transport.js';

const CAPITAL = 'A7E55044-10B1-426F-9247-BB680E5FE0C8';
const SMALL = CAPITAL.toLowerCase();

/** Notes the ids that it is asked with; an answer is over at once. */
function transport(asked: string[]): Transport {
  return {
    startStream: (sessionId) => {
      asked.push(sessionId);
      return Promise.resolve();
    },
    stopStream: (sessionId) => {
      asked.push(sessionId);
      return Promise.resolve();
    },
    getStream: (sessionId) => {
      asked.push(sessionId);
      return Promise.resolve({ status: 'COMPLETED', text: '', sequence: 1, attempt: 1 });
    },
    subscribe: (sessionId, listener) => {
      asked.push(sessionId);
      queueMicrotask(() => {
        listener.established();
        listener.event({
          token: '',
          isComplete: true,
          sequence: 1,
          attempt: 1,
          status: 'COMPLETED',
        });
      });
      return () => undefined;
    },
    onOnline: () => () => undefined,
  };
}

function replays(asked: string[]): ReplayTransport {
  return {
    open: (sessionId, _ask, listener) => {
      asked.push(sessionId);
      queueMicrotask(() => {
        listener.answered(null);
        listener.event({
          token: '',
          isComplete: true,
          sequence: 1,
          attempt: 1,
          status: 'COMPLETED',
        });
      });
      return { close: () => undefined };
    },
    stopStream: (sessionId) => {
      asked.push(sessionId);
      return Promise.resolve();
    },
  };
}

for (const over of ['a transport', 'a replay']) {
  test(`an id is asked for in small letters over ${over}`, async () => {
    const asked: string[] = [];
    const whole = clientOver(transport(asked));
    const client =
      over === 'a transport'
        ? whole
        : clientOverReplay(replays(asked), (id) => whole.getStream(id));
    const streams = [
      client.streamPrompt('Hi', { sessionId: CAPITAL }),
      client.resumeStream(CAPITAL),
    ];
    for (const stream of streams) {
      expect(stream.sessionId).toBe(SMALL);
      for await (const event of stream) expect(event).toBeTypeOf('object');
    }
    await client.stopStream(CAPITAL);
    await client.getStream(CAPITAL);
    expect(new Set(asked)).toEqual(new Set([SMALL]));
    expect(asked.length).toBeGreaterThan(3);
  });
}
