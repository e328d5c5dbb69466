/** A client over a WebSocket API that a test directs. */

import WebSocket from 'ws';

import { clientOverReplay } from '../../src/client.js';
import type { AnswerEvent } from '../../src/types.js';
import { webSocketTransport } from '../../src/web_socket_api.js';
import { FAST, startWebSocketApi, tokens, type Action, type Socket } from './deliveries.js';

// Node 20 has none of its own.
Object.assign(globalThis, { WebSocket });

let close: (() => Promise<unknown>) | null = null;

/** For after each test. */
export async function closeServer(): Promise<void> {
  await close?.();
  close = null;
}

export async function serve(
  handle: (action: Action, socket: Socket, connection: number) => void,
  {
    timing = FAST,
    accept,
    startStream,
    getStream,
  }: {
    timing?: typeof FAST;
    accept?: (token: string | null) => boolean;
    startStream?: (sessionId: string, prompt: string) => Promise<void>;
    getStream?: (sessionId: string) => Promise<unknown>;
  } = {},
) {
  const server = await startWebSocketApi(handle, accept);
  close = server.close;
  const transport = webSocketTransport(server.url, tokens, {
    ...(startStream && { startStream }),
    ...(getStream && { getStream }),
  });
  const client = clientOverReplay(transport, () => Promise.resolve(null), timing);
  return { ...server, client };
}

export async function all(stream: AsyncIterable<AnswerEvent>): Promise<AnswerEvent[]> {
  const events: AnswerEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

export function textOf(events: AnswerEvent[]): string {
  return events.reduce((text, event) => {
    if (event.type === 'restarted') return '';
    return event.type === 'text' ? text + event.text : text;
  }, '');
}

export const types = (events: AnswerEvent[]): string[] => events.map(({ type }) => type);
export const ID = '7d1c3a6e-6f1c-4b3c-9a55-0f6d3f0d6f11';
