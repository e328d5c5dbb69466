/** Conversations by GraphQL: what is asked, pages, and subscriptions that are kept up, with Amplify and without. */

import { decodeJWT } from 'aws-amplify/auth';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';

import { amplifyApi } from '../../src/amplify/transport.js';
import { appSyncApi } from '../../src/appsync.js';
import { TIMEOUTS } from '../../src/bounds.js';
import { clientOver } from '../../src/client.js';
import type { ConversationEvent, ConversationTurns, Turn } from '../../src/conversation.js';
import { conversationsOver, type Conversations } from '../../src/conversations.js';
import type { TokencastError } from '../../src/errors.js';
import { transportOver } from '../../src/graphql_api.js';
import { subjectOf } from '../../src/tokens.js';
import {
  jwt,
  startAppSync,
  SUB,
  type AppSync,
  type Request,
  type Start,
} from '../support/appsync_server.js';

const ID = '0f000000-0000-4000-8000-0000000000aa';

let api: AppSync;
let requests: Request[];
let answer: (request: Request) => object;
let onStart: (start: Start) => void;

beforeEach(async () => {
  requests = [];
  answer = () => ({});
  onStart = ack;
  api = await startAppSync(
    (request) => {
      requests.push(request);
      return answer(request);
    },
    (start) => {
      onStart(start);
    },
  );
});

afterEach(() => api.close());

function ack({ id, send }: Start): void {
  send({ type: 'start_ack', id });
}

const event = (title: string): ConversationEvent => ({
  conversationId: ID,
  owner: SUB,
  kind: 'RENAMED',
  title,
  sessionId: null,
  parentId: null,
  status: null,
  timestamp: '2026-01-01T00:00:00.000Z',
});

const say = ({ id, send }: Start, field: string, data: unknown): void => {
  send({ type: 'data', id, payload: { data: { [field]: data } } });
};

const MAKE: [name: string, make: () => Conversations][] = [
  ['with Amplify', () => conversationsOver(amplifyApi(), FAST)],
  [
    'without Amplify',
    () => conversationsOver(appSyncApi(api.endpoint, api.tokens, { WebSocket }), FAST),
  ],
];

/** Gives up on no server that is merely slow. */
const FAST = { ...TIMEOUTS, connect: 50_000, retryFirst: 1, retryMax: 50 };

const turn = (sessionId: string): Turn => ({
  sessionId,
  parentId: null,
  prompt: 'Why?',
  stream: null,
  createdAt: '',
});

const page = (turns: Turn[], nextToken: string | null): ConversationTurns => ({
  conversationId: ID,
  title: 'Rivers',
  lastSessionId: null,
  turnCount: 3,
  createdAt: '',
  updatedAt: '',
  turns,
  nextToken,
});

describe.each(MAKE)('%s', (_, make) => {
  test('a list is asked for by pages', async () => {
    answer = () => ({ conversations: { items: [], nextToken: 'n' } });
    const conversations = make();
    expect(await conversations.list()).toEqual({ items: [], nextToken: 'n' });
    await conversations.list({ limit: 5, nextToken: 'n' });
    expect(requests.map(({ variables }) => variables)).toEqual([{}, { limit: 5, nextToken: 'n' }]);
  });

  test('all turns of a conversation are put together, each once', async () => {
    answer = ({ variables }) => ({
      conversation:
        variables.nextToken === undefined
          ? page([turn('a'), turn('b')], 'n')
          : page([turn('b'), turn('c')], null),
    });
    const all = await make().getAll(ID.toUpperCase());
    expect(all?.turns.map(({ sessionId }) => sessionId)).toEqual(['a', 'b', 'c']);
    expect(requests.map(({ variables }) => variables)).toEqual([
      { id: ID, limit: 100 },
      { id: ID, limit: 100, nextToken: 'n' },
    ]);
  });

  test('one that is deleted while it is read is not there', async () => {
    answer = ({ variables }) => ({
      conversation: variables.nextToken === undefined ? page([turn('a')], 'n') : null,
    });
    expect(await make().getAll(ID)).toBeNull();
  });

  test('a document comes in pieces; of what is not there, there is none', async () => {
    answer = ({ variables }) => ({
      exportConversation:
        variables.nextToken === undefined
          ? { content: '{"a":', nextToken: 'n' }
          : { content: '1}', nextToken: null },
    });
    expect(await make().export(ID, 'JSON')).toBe('{"a":1}');
    answer = () => ({ exportConversation: null });
    await expect(make().export(ID, 'MARKDOWN')).rejects.toMatchObject({ kind: 'notFound' });
  });

  test('a title that was cut within a character is repaired, and an id is written small', async () => {
    answer = () => ({ renameConversation: page([], null), deleteConversation: {} });
    await make().rename(ID.toUpperCase(), 'cut \ud83d');
    await make().delete(ID.toUpperCase());
    expect(requests.map(({ variables }) => variables)).toEqual([
      { id: ID, title: 'cut \ufffd' },
      { id: ID },
    ]);
  });

  test("changes of all are heard of as the token's user, and over lost connections", async () => {
    const { heard, end, until } = listen((listener) => make().onAllUpdated(listener));
    onStart = (start) => {
      ack(start);
      say(
        start,
        'onConversationsUpdated',
        event(`${start.count} ${start.variables.owner as string}`),
      );
      if (start.count === 1) start.cut();
    };
    await until(4);
    end();
    expect(heard).toEqual(['resync', `1 ${SUB}`, 'resync', `2 ${SUB}`]);
  });

  test('changes of one are heard of, with a new token when the old one ends', async () => {
    const tokens: unknown[] = [];
    onStart = (start) => {
      tokens.push(decodeJWT(start.token).payload.count);
      ack(start);
      expect(start.variables).toEqual({ conversationId: ID });
      if (start.count > 1) {
        say(start, 'onConversationUpdated', event('new'));
        return;
      }
      const errors = [{ errorType: 'UnauthorizedException', message: 'Token has expired.' }];
      start.send({ type: 'error', id: start.id, payload: { errors } });
    };
    const { heard, end, until } = listen((listener) =>
      make().onUpdated(ID.toUpperCase(), listener),
    );
    await until(3);
    end();
    expect(heard).toEqual(['resync', 'resync', 'new']);
    expect(tokens).toEqual([0, 1]);
  });

  test('one that is not there is said to be, and not asked for again', async () => {
    onStart = ({ id, send }) => {
      const errors = [{ errorType: 'CONVERSATION_NOT_FOUND', message: 'There is none' }];
      send({ type: 'error', id, payload: { errors } });
    };
    const { heard, until } = listen((listener) => make().onUpdated(ID, listener));
    await until(1);
    expect(heard).toEqual(['ended notFound']);
    expect(api.starts()).toBe(1);
  });

  test('who has left hears nothing more', async () => {
    let later: Start | undefined;
    onStart = (start) => {
      ack(start);
      later = start;
    };
    const { heard, end, until } = listen((listener) => make().onUpdated(ID, listener));
    await until(1);
    end();
    if (later) say(later, 'onConversationUpdated', event('late'));
    // A call goes the same way, and comes later.
    answer = () => ({ conversations: { items: [], nextToken: null } });
    await make().list();
    expect(heard).toEqual(['resync']);
  });
});

test('a start says of which conversation it is a turn', async () => {
  let subscription: Start | undefined;
  onStart = (start) => {
    subscription = start;
    ack(start);
  };
  answer = ({ query }) => {
    const ended = { token: '', isComplete: true, sequence: 1, attempt: 1, status: 'COMPLETED' };
    if (subscription && query.includes('startStream')) say(subscription, 'onTokenReceived', ended);
    return { startStream: {}, getStream: null };
  };
  const transport = transportOver(appSyncApi(api.endpoint, api.tokens, { WebSocket }));
  const options = { conversationId: ID.toUpperCase(), parentId: ID };
  const events = clientOver(transport).streamPrompt('Why?', options)[Symbol.asyncIterator]();
  while ((await events.next()).done !== true);
  const start = requests.find(({ query }) => query.includes('startStream'));
  expect(start?.variables).toMatchObject({ prompt: 'Why?', conversationId: ID, parentId: ID });
});

test('a client without GraphQL has no conversations', async () => {
  const { conversations } = clientOver(
    transportOver(appSyncApi(api.endpoint, api.tokens, { WebSocket })),
  );
  await expect(conversations.list()).rejects.toMatchObject({ kind: 'refused', transient: false });
  const { heard, until } = listen((listener) => conversations.onAllUpdated(listener));
  await until(1);
  expect(heard).toEqual(['ended refused']);
});

test("a token's user is its sub, and what is no token has none", () => {
  expect(subjectOf(jwt(0))).toBe(SUB);
  for (const token of ['', 'a.b.c', `a.${Buffer.from('{}').toString('base64url')}.c`]) {
    expect(() => subjectOf(token)).toThrow('no JWT');
  }
});

/** What a listener is told, and a wait until that is so much. */
function listen(
  begin: (listener: {
    resync: () => void;
    event: (event: ConversationEvent) => void;
    ended: (error: TokencastError) => void;
  }) => () => void,
) {
  const heard: string[] = [];
  let wake: () => void = () => undefined;
  const hear = (what: string): void => {
    heard.push(what);
    wake();
  };
  const end = begin({
    resync: () => {
      hear('resync');
    },
    event: ({ title }) => {
      hear(title ?? '');
    },
    ended: ({ kind }) => {
      hear(`ended ${kind}`);
    },
  });
  const until = async (count: number): Promise<void> => {
    while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { heard, end, until };
}
