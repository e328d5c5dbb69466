/** A session over a function's URL, whose streams are cut anywhere. */

import { createHash } from 'node:crypto';

import { afterEach, describe, expect, test } from 'vitest';

import { clientOverReplay } from '../../src/client.js';
import { functionUrlTransport } from '../../src/function_url.js';
import type { AnswerEvent, Snapshot, TokenEvent } from '../../src/types.js';
import {
  cancelled,
  completed,
  failed,
  FAST,
  sse,
  startFunction,
  token,
  tokens,
  type Request,
} from '../support/deliveries.js';

let close: (() => Promise<unknown>) | null = null;

afterEach(async () => {
  await close?.();
  close = null;
});

async function serve(
  handle: (request: Request, count: number) => void,
  {
    timing = FAST,
    maxSilenceMs = 60_000,
    getStream = () => Promise.reject(new Error('there is no GraphQL')),
  }: {
    timing?: typeof FAST;
    maxSilenceMs?: number;
    getStream?: () => Promise<Snapshot | null>;
  } = {},
) {
  const server = await startFunction(handle);
  close = server.close;
  const transport = functionUrlTransport(server.url, tokens, { maxSilenceMs });
  const client = clientOverReplay(transport, getStream, timing);
  return { ...server, client };
}

async function all(stream: AsyncIterable<AnswerEvent>): Promise<AnswerEvent[]> {
  const events: AnswerEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

function textOf(events: AnswerEvent[]): string {
  return events.reduce((text, event) => {
    if (event.type === 'restarted') return '';
    return event.type === 'text' ? text + event.text : text;
  }, '');
}

const types = (events: AnswerEvent[]): string[] => events.map(({ type }) => type);

const EVENTS = [token(1, 'é🌊'), token(2, 'b'), completed(3)];
const rest = (known: number): string => EVENTS.slice(known).map(sse).join('');

test('a prompt is posted, and its events are yielded while the response goes on', async () => {
  let answer: Request | undefined;
  const { client, requests } = await serve((request) => {
    answer = request;
    request.stream(`: keep-alive\n\n${sse(token(1, 'Ri'))}`);
  });
  const stream = client.streamPrompt('Why?');
  const events: AnswerEvent[] = [];
  for await (const event of stream) {
    events.push(event);
    if (event.type !== 'text') continue;
    // Only now the rest is written.
    if (event.sequence === 1) answer?.response.write(sse(token(2, 'v\ner')));
    if (event.sequence === 2) answer?.response.end(sse(completed(3)));
  }
  expect(types(events)).toEqual(['started', 'status', 'text', 'text', 'completed']);
  expect(textOf(events)).toBe('Riv\ner');
  expect(requests).toMatchObject([
    {
      method: 'POST',
      path: '/function-urls/function-url/',
      headers: { authorization: 'Bearer jwt', accept: 'text/event-stream' },
      body: { prompt: 'Why?', sessionId: stream.sessionId },
    },
  ]);
});

test.each(['broken off', 'ended'])('a stream that is %s at any byte goes on', async (how) => {
  const whole = new TextEncoder().encode(rest(0));
  let cut = 0;
  const { client, requests } = await serve((request) => {
    request.stream();
    if (request.method !== 'POST') {
      request.response.end(rest(request.known));
    } else if (cut === 0 || how === 'ended') {
      request.response.end(whole.slice(0, cut));
    } else {
      request.response.write(whole.slice(0, cut), () => {
        request.response.socket?.end();
      });
    }
  });
  for (cut = 0; cut < whole.length; cut += 1) {
    const events = await all(client.streamPrompt('Why?'));
    expect(textOf(events), `cut at ${cut}`).toBe('é🌊b');
    expect(types(events).at(-1)).toBe('completed');
    expect(types(events)).toContain('reconnected');
  }
  // Behind the events that were whole, and no others.
  const lengths = [1, 2].map(
    (count) => new TextEncoder().encode(EVENTS.slice(0, count).map(sse).join('')).length,
  );
  const asked = requests.filter(({ method }) => method === 'GET').map(({ known }) => known);
  expect(asked).toEqual(
    Array.from(
      { length: whole.length },
      (_, at) => lengths.filter((length) => length <= at).length,
    ),
  );
});

test('an answer of a later attempt is resumed by its number', async () => {
  const { client, requests } = await serve((request, count) => {
    request.stream();
    const first = [token(1, 'a'), token(1, 'X', 2), token(2, 'Y', 2)];
    request.response.end((count === 1 ? first : [completed(3, 2)]).map(sse).join(''));
  });
  const events = await all(client.streamPrompt('Why?'));
  expect(textOf(events)).toBe('XY');
  expect(requests[1]?.headers['last-event-id']).toBe('2.2');
});

test('a gap is no reason to wait', async () => {
  const { client, requests } = await serve((request, count) => {
    request.stream(count === 1 ? sse(token(1, 'a')) + sse(token(3, 'c')) : undefined);
    if (count > 1) {
      const missing = [token(2, 'b'), token(3, 'c'), completed(4)];
      request.response.end(missing.map(sse).join(''));
    }
  });
  expect(textOf(await all(client.streamPrompt('Why?')))).toBe('abc');
  expect(requests[1]?.known).toBe(1);
});

test('an end that stands before what is known is settled by the whole session', async () => {
  const { client, requests } = await serve((request, count) => {
    request.stream();
    const first = [token(1, 'a'), token(2, 'b'), cancelled(2)];
    request.response.end((count === 1 ? first : [token(1, 'a'), cancelled(2)]).map(sse).join(''));
  });
  const events = await all(client.streamPrompt('Why?'));
  expect(textOf(events)).toBe('a');
  expect(types(events).at(-1)).toBe('cancelled');
  expect(requests[1]?.headers['last-event-id']).toBeUndefined();
});

test.each([200, 204])('a function that knows of less (%i) is asked for all', async (status) => {
  const { client, requests } = await serve((request, count) => {
    const less: TokenEvent[] = [token(1, 'a'), failed(2)];
    const bodies = [[token(1, 'a'), token(2, 'b'), token(3, 'c')], [], less];
    if (count === 2 && status === 204) request.response.writeHead(204);
    else request.stream();
    request.response.end((bodies[count - 1] ?? []).map(sse).join(''));
  });
  const events = await all(client.streamPrompt('Why?'));
  expect(textOf(events)).toBe('a');
  expect(types(events).at(-1)).toBe('failed');
  expect(requests.map(({ known }) => known)).toEqual([0, 3, 0]);
});

test('a prompt has the hash of its body with it', async () => {
  const { client, requests } = await serve((request) => {
    request.stream(EVENTS.map(sse).join(''));
  });
  await all(client.streamPrompt('é🌊?'));
  const body = JSON.stringify(requests[0]?.body);
  const hash = createHash('sha256').update(body).digest('hex');
  expect(requests[0]?.headers['x-amz-content-sha256']).toBe(hash);
});

describe('a response that stays open without a byte', () => {
  const ended: Snapshot = { status: 'COMPLETED', text: 'é🌊b', sequence: 3, attempt: 1 };

  test.each(['before its status', 'behind its status'])(
    '%s is got over by the record',
    async (where) => {
      let held = false;
      const { client, requests } = await serve(
        (request) => {
          held = true;
          if (where === 'behind its status') request.stream();
        },
        {
          timing: { ...FAST, idle: 50 },
          getStream: () => Promise.resolve(held ? ended : null),
        },
      );
      const events = await all(client.streamPrompt('Why?'));
      expect(textOf(events)).toBe('é🌊b');
      expect(types(events).at(-1)).toBe('completed');
      expect(requests).toHaveLength(1);
    },
  );

  test('without GraphQL, by the whole session', async () => {
    const { client, requests } = await serve(
      (request, count) => {
        // Behind what is known there is nothing, and the function cannot say so.
        if (count === 1) request.stream(sse(token(1, 'é🌊')) + sse(token(2, 'b')));
        else if (request.known > 0) request.stream();
        else request.stream(rest(0));
      },
      { maxSilenceMs: 300 },
    );
    const events = await all(client.streamPrompt('Why?'));
    expect(textOf(events)).toBe('é🌊b');
    expect(types(events).at(-1)).toBe('completed');
    expect(requests.map(({ method, known }) => [method, known])).toEqual([
      ['POST', 0],
      ['GET', 2],
      ['GET', 0],
    ]);
  });
});

test('a session is resumed from its first event', async () => {
  const { client, requests } = await serve((request) => {
    request.stream();
    request.response.end(rest(0));
  });
  const id = '7d1c3a6e-6f1c-4b3c-9a55-0f6d3f0d6f11';
  expect(textOf(await all(client.resumeStream(id)))).toBe('é🌊b');
  expect(requests).toMatchObject([{ method: 'GET', path: `/function-urls/function-url/${id}` }]);
});

test.each([
  [400, 'INVALID_PROMPT', { kind: 'refused', errorType: 'INVALID_PROMPT' }],
  [
    403,
    'UNAUTHORIZED',
    { kind: 'unauthorized', errorType: 'UNAUTHORIZED', message: 'said the server' },
  ],
  [413, 'INVALID_PROMPT', { kind: 'refused' }],
])('HTTP %i before the stream is final', async (status, code, expected) => {
  const { client, requests } = await serve((request) => {
    request.refuse(status, code);
  });
  await expect(all(client.streamPrompt('Why?'))).rejects.toMatchObject(expected);
  expect(requests).toHaveLength(1);
});

test('a session that is not there is said to be missing', async () => {
  const { client } = await serve((request) => {
    request.refuse(404, 'INVALID_PROMPT');
  });
  const id = '7d1c3a6e-6f1c-4b3c-9a55-0f6d3f0d6f11';
  await expect(all(client.resumeStream(id))).rejects.toMatchObject({ kind: 'notFound' });
});

test('a token that is refused is made anew, once', async () => {
  const { client, requests } = await serve((request) => {
    if (request.headers.authorization === 'Bearer jwt') {
      request.refuse(401, 'UNAUTHORIZED');
      return;
    }
    request.stream();
    request.response.end(rest(0));
  });
  expect(textOf(await all(client.streamPrompt('Why?')))).toBe('é🌊b');
  expect(requests.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer jwt',
    'Bearer new',
  ]);
});

test('a start that meets a passing trouble is repeated under the same id', async () => {
  const { client, requests } = await serve((request, count) => {
    if (count === 1) request.refuse(503, 'THROTTLED', true);
    else if (count === 2) request.response.socket?.destroy();
    else if (count === 3) request.response.writeHead(502).end('Internal Server Error');
    else {
      request.stream();
      request.response.end(rest(0));
    }
  });
  expect(textOf(await all(client.streamPrompt('Why?')))).toBe('é🌊b');
  expect(requests.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST', 'POST']);
  expect(new Set(requests.map(({ body }) => JSON.stringify(body))).size).toBe(1);
});

test('a silent function is left, and asked again', async () => {
  const { client } = await serve(
    (request) => {
      // Without an end the first time.
      if (request.method === 'POST') {
        request.stream(sse(token(1, 'é🌊')));
        return;
      }
      request.stream();
      request.response.end(rest(request.known));
    },
    { maxSilenceMs: 300 },
  );
  expect(textOf(await all(client.streamPrompt('Why?')))).toBe('é🌊b');
});

test('a function that brings nothing new is given up', async () => {
  const { client } = await serve(
    (request) => {
      request.stream();
      request.response.end(sse(token(1, 'a')));
    },
    { timing: { ...FAST, giveUpAfter: 200 } },
  );
  await expect(all(client.streamPrompt('Why?'))).rejects.toMatchObject({ kind: 'gaveUp' });
});

test('aborting deletes the session, and the text is kept', async () => {
  let streaming: Request | undefined;
  const { client, requests } = await serve((request) => {
    if (request.method === 'POST') {
      streaming = request;
      request.stream(sse(token(1, 'a')));
      return;
    }
    request.response.writeHead(200).end('{}');
    streaming?.response.end(sse(cancelled(2)));
  });
  const stop = new AbortController();
  const stream = client.streamPrompt('Why?', { signal: stop.signal });
  const events: AnswerEvent[] = [];
  for await (const event of stream) {
    events.push(event);
    if (event.type === 'text') stop.abort();
  }
  expect(textOf(events)).toBe('a');
  expect(types(events).at(-1)).toBe('cancelled');
  expect(requests[1]).toMatchObject({
    method: 'DELETE',
    path: `/function-urls/function-url/${stream.sessionId}`,
    headers: { authorization: 'Bearer jwt' },
  });
});

test('aborting before anything was sent sends nothing', async () => {
  const { client, requests } = await serve(() => undefined);
  const events = await all(client.streamPrompt('Why?', { signal: AbortSignal.abort() }));
  expect(types(events)).toEqual(['started', 'cancelled']);
  expect(requests).toEqual([]);
});

test('leaving ends the request at once', async () => {
  let gone: Promise<unknown> | undefined;
  const { client } = await serve((request) => {
    gone = new Promise((resolve) => request.response.once('close', resolve));
    request.stream(sse(token(1, 'a')));
  });
  for await (const event of client.streamPrompt('Why?')) if (event.type === 'text') break;
  await gone;
});
