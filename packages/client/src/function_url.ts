/**
 * A session over a Lambda Function URL that streams its response: server-sent events, read with `fetch`.
 *
 * `POST /` starts and answers with events, `GET /{sessionId}` goes on behind `Last-Event-ID`, `DELETE /{sessionId}` stops.
 */

import { isFunction, maybe, mustBe, mustBeAddress } from './arguments.js';
import { STREAM_SILENCE_MS } from './bounds.js';
import { asTokencastError, errorOfCode, TokencastError } from './errors.js';
import {
  globals,
  type ByteReader,
  type Fetch,
  type FetchInit,
  type FetchResponse,
  type StopSignal,
} from './globals.js';
import { placeOf } from './graphql_api.js';
import { SseParser } from './sse.js';
import { tokensFrom, type Tokens } from './tokens.js';
import type { Ask, ConnectionListener, Position, ReplayTransport } from './transport.js';
import type { StreamError, TokenEvent } from './types.js';
import { within } from './within.js';

export interface FunctionUrlOptions {
  /** In place of the global one. */
  fetch?: Fetch | undefined;
  /** How long the function may say nothing at all. */
  maxSilenceMs?: number;
}

/**
 * Sessions over the Function URL at `url`, or at a CloudFront distribution in front of it.
 *
 * @throws `TypeError` for an argument that is none
 */
export function functionUrlTransport(
  url: string,
  source: Tokens,
  { fetch, maxSilenceMs = STREAM_SILENCE_MS }: FunctionUrlOptions = {},
): ReplayTransport {
  mustBeAddress('streamUrl', url, 'http');
  mustBe(maybe(fetch, isFunction), 'fetch', fetch, 'a function');
  const tokens = tokensFrom(source);
  const base = url.endsWith('/') ? url : `${url}/`;

  /** Once more with a new token if the old one is refused. */
  async function call(
    path: string,
    init: FetchInit,
    sending: () => void = () => undefined,
  ): Promise<FetchResponse> {
    const once = async (refresh: boolean): Promise<FetchResponse> => {
      const authorization = `Bearer ${await tokens(refresh)}`;
      const headers = { ...init.headers, authorization };
      const request: FetchInit = { ...init, headers, cache: 'no-store', redirect: 'error' };
      sending();
      return fetch ? fetch(base + path, request) : globals.fetch(base + path, request);
    };
    const response = await once(false);
    return response.status === 401 ? once(true) : response;
  }

  return {
    open(sessionId, ask, listener) {
      const abort = new globals.AbortController();
      const { signal } = abort;
      const run = async (): Promise<void> => {
        const response = await call(...(await request(sessionId, ask, signal)), listener.asked);
        if (!response.ok) throw await refusal(response, 'prompt' in ask ? null : sessionId);
        if (response.status === 204) {
          // The session is over, and nothing stands behind what is known.
          const ended = new TokencastError('connection', 'The session has no more events');
          listener.lost(ended, { inOrder: true });
          return;
        }
        await follow(response, listener, signal, maxSilenceMs);
      };
      run()
        .catch((error: unknown) => {
          if (!signal.aborted) listener.lost(asTokencastError(error));
        })
        .finally(() => {
          abort.abort();
        });
      return {
        close: () => {
          abort.abort();
        },
      };
    },
    async stopStream(sessionId) {
      const response = await call(sessionId, { method: 'DELETE' });
      if (!response.ok) throw await refusal(response, sessionId);
    },
  };
}

async function request(
  sessionId: string,
  ask: Ask,
  signal: StopSignal,
): Promise<[string, FetchInit]> {
  const accept = { accept: 'text/event-stream' };
  if ('prompt' in ask) {
    const body = JSON.stringify({ prompt: ask.prompt, sessionId, ...placeOf(ask) });
    const headers = { ...accept, 'content-type': 'application/json', ...(await digest(body)) };
    return ['', { method: 'POST', headers, body, signal }];
  }
  const known = ask.after === null ? {} : { 'last-event-id': idOf(ask.after) };
  return [sessionId, { headers: { ...accept, ...known }, signal }];
}

/** CloudFront in front of a Function URL wants a body's hash. Pages that came over plain HTTP have no means to make it. */
async function digest(body: string): Promise<Record<string, string>> {
  const subtle = (globals as Partial<typeof globals>).crypto?.subtle;
  if (subtle === undefined) return {};
  const bytes = new globals.TextEncoder().encode(body);
  const hash = new Uint8Array(await subtle.digest('SHA-256', bytes));
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { 'x-amz-content-sha256': hex };
}

/** An event's `id`, as the function writes it. */
function idOf({ attempt, sequence }: Position): string {
  return attempt === 1 ? `${sequence}` : `${attempt}.${sequence}`;
}

/** Reads a response to its end. */
async function follow(
  response: FetchResponse,
  listener: ConnectionListener,
  signal: StopSignal,
  maxSilenceMs: number,
): Promise<void> {
  const type = response.headers.get('content-type') ?? '';
  if (!/^text\/event-stream\s*(;|$)/i.test(type)) {
    throw new TokencastError('refused', `The function answered with \`${type}\`, not with events`);
  }
  if (!response.body) {
    throw new TokencastError('refused', 'This `fetch` cannot read a response while it comes');
  }
  const reader = response.body.getReader();
  const parser = new SseParser();
  listener.answered(null);
  try {
    for (;;) {
      const { done, value } = await read(reader, signal, maxSilenceMs);
      if (stopped(signal)) return;
      if (done || value === undefined) {
        const ended = new TokencastError('connection', 'The event stream ended');
        listener.lost(ended, { inOrder: true, retryMs: parser.retryMs });
        return;
      }
      for (const { name, data } of parser.push(value)) {
        const event = eventOf(name, data);
        // The reader may have gone with the one before.
        if (event !== null && !stopped(signal)) listener.event(event);
      }
    }
  } catch (error) {
    const silent = error instanceof Silence;
    const how = { retryMs: parser.retryMs, silent };
    if (!stopped(signal)) listener.lost(asTokencastError(error), how);
  } finally {
    // A connection that is broken can't be told.
    reader.cancel().catch(() => undefined);
  }
}

/** It may have changed behind a call, whatever the types say. */
function stopped(signal: StopSignal): boolean {
  return signal.aborted;
}

const NAMES = new Set(['token', 'complete', 'error']);

/** `null` for what is no token event; the gap that it leaves will be noticed. */
function eventOf(name: string, data: string): TokenEvent | null {
  if (!NAMES.has(name)) return null;
  try {
    return JSON.parse(data) as TokenEvent;
  } catch {
    return null;
  }
}

class Silence extends TokencastError {}

type Read = Awaited<ReturnType<ByteReader['read']>>;

/** As at the end once nobody listens: a `fetch` that is aborted may leave a reader without an answer. */
async function read(reader: ByteReader, signal: StopSignal, maxSilenceMs: number): Promise<Read> {
  const silence = new Silence('connection', 'The function has fallen silent');
  let leave: () => void = () => undefined;
  const next = new Promise<Read>((resolve, reject) => {
    leave = () => {
      resolve({ done: true });
    };
    signal.addEventListener('abort', leave);
    if (signal.aborted) leave();
    else reader.read().then(resolve, reject);
  });
  try {
    return await within(maxSilenceMs, next, silence);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** `sessionId` is the one that was asked for in the path. */
async function refusal(response: FetchResponse, sessionId: string | null): Promise<TokencastError> {
  const { status } = response;
  const said = await saidBy(response);
  if (status === 401 || status === 403) {
    const message = said?.message ?? `The API answered HTTP ${status}`;
    return new TokencastError('unauthorized', message, {
      errorType: said?.code ?? `HTTP ${status}`,
    });
  }
  if (status === 404 && said !== null && sessionId !== null) {
    return new TokencastError('notFound', 'There is no such session, or no longer');
  }
  if (said !== null) return errorOfCode(said);
  const kind = status === 429 || status >= 500 ? 'connection' : 'refused';
  const message = `The API answered HTTP ${status}`;
  return new TokencastError(kind, message, { errorType: `HTTP ${status}` });
}

async function saidBy(response: FetchResponse): Promise<StreamError | null> {
  try {
    const { error } = (await response.json()) as { error?: StreamError };
    return error ?? null;
  } catch {
    return null;
  }
}
