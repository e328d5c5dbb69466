/** AppSync over Amplify, and without it, against one that refuses in all the ways that AppSync has. */

import { decodeJWT } from 'aws-amplify/auth';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';

import { amplifyTransport } from '../../src/amplify/transport.js';
import { appSyncTransport } from '../../src/appsync.js';
import { clientOver } from '../../src/client.js';
import type { Transport } from '../../src/transport.js';
import type { AnswerEvent, Snapshot, TokenEvent } from '../../src/types.js';
import { startAppSync, type AppSync, type Start } from '../support/appsync_server.js';
import { completed, token } from '../support/deliveries.js';

let api: AppSync;
let onStart: (start: Start) => void;
let snapshot: Snapshot | null;

beforeEach(async () => {
  snapshot = null;
  api = await startAppSync(
    ({ query }) => (query.includes('getStream') ? { getStream: snapshot } : { startStream: {} }),
    (start) => {
      onStart(start);
    },
  );
});

afterEach(() => api.close());

const ack = ({ id, send }: Start): void => {
  send({ type: 'start_ack', id });
};

const say = ({ id, send }: Start, ...events: TokenEvent[]): void => {
  for (const event of events) {
    send({ type: 'data', id, payload: { data: { onTokenReceived: event } } });
  }
};

const TRANSPORTS: [name: string, make: () => Transport][] = [
  ['with Amplify', () => amplifyTransport()],
  ['without Amplify', () => appSyncTransport(api.endpoint, api.tokens, { WebSocket })],
];

async function read(transport: Transport): Promise<AnswerEvent[]> {
  const client = clientOver(transport, {
    // Gives up on no server that is merely slow.
    firstConnection: 100_000,
    connect: 50_000,
    retryFirst: 1,
    retryMax: 50,
  });
  const events: AnswerEvent[] = [];
  for await (const event of client.streamPrompt('Why?')) events.push(event);
  return events;
}

const textOf = (events: AnswerEvent[]): string =>
  events.map((event) => (event.type === 'text' ? event.text : '')).join('');

const streaming = (text: string): Snapshot => ({
  status: 'STREAMING',
  text,
  sequence: text.length,
  attempt: 1,
});

/** The payload of an error frame. */
const SHAPES: [shape: string, of: (error: object) => object][] = [
  ['a list', (error) => ({ errors: [error] })],
  ['one object', (error) => ({ errors: error })],
  ['a type alone', (error) => error],
];

const FRAMES = ['of its id', 'of no id'];
const CASES = TRANSPORTS.flatMap(([name, make]) =>
  SHAPES.flatMap(([shape, payload]) =>
    FRAMES.map((which) => ({ name, make, shape, payload, which })),
  ),
);

describe.each(CASES)(
  '$name, errors come as $shape in a frame $which',
  ({ make, payload, which }) => {
    const refuse = ({ id, send }: Start, error: object): void => {
      send({ type: 'error', id: which === 'of its id' ? id : '', payload: payload(error) });
    };
    const EXPIRED = { errorType: 'UnauthorizedException', message: 'Token has expired.' };

    test('a token that expires twice in the middle is renewed, and nothing is missing', async () => {
      const tokens: unknown[] = [];
      onStart = (start) => {
        ack(start);
        tokens.push(decodeJWT(start.token).payload.count);
        if (start.count === 1) {
          say(start, token(1, 'a'));
          // What was sent while nobody was subscribed is in the record.
          snapshot = streaming('ab');
          refuse(start, EXPIRED);
        } else if (start.count === 2) {
          say(start, token(3, 'c'));
          snapshot = streaming('abcd');
          refuse(start, EXPIRED);
        } else {
          say(start, token(5, 'e'), completed(6));
        }
      };
      const events = await read(make());
      expect(textOf(events)).toBe('abcde');
      expect(events.at(-1)).toMatchObject({ type: 'completed' });
      expect(tokens).toEqual([0, 1, 2]);
      expect(api.renewals()).toBe(2);
    });

    test('a token that is refused before the start is renewed once', async () => {
      onStart = (start) => {
        if (decodeJWT(start.token).payload.count === 0) {
          refuse(start, EXPIRED);
          return;
        }
        ack(start);
        snapshot = { ...streaming('a'), status: 'COMPLETED' };
      };
      expect((await read(make())).at(-1)).toMatchObject({ type: 'completed' });
      expect(api.renewals()).toBe(1);
    });

    test('a token that is refused though it is new is final', async () => {
      onStart = (start) => {
        refuse(start, EXPIRED);
      };
      await expect(read(make())).rejects.toMatchObject({ kind: 'unauthorized' });
      expect([api.starts(), api.renewals()]).toEqual([2, 1]);
    });

    test('too many subscriptions are waited out', async () => {
      onStart = (start) => {
        if (start.count < 3) {
          refuse(start, { errorType: 'MaxSubscriptionsReachedError', message: 'Too many' });
          return;
        }
        ack(start);
        snapshot = { ...streaming('a'), status: 'COMPLETED' };
      };
      expect((await read(make())).at(-1)).toMatchObject({ type: 'completed' });
      expect(api.renewals()).toBe(0);
    });

    test("somebody else's session is final", async () => {
      onStart = (start) => {
        refuse(start, { errorType: 'UNAUTHORIZED', message: 'The session is not yours' });
      };
      await expect(read(make())).rejects.toMatchObject({ kind: 'unauthorized' });
      expect([api.starts(), api.renewals()]).toEqual([1, 0]);
    });
  },
);
