/**
 * AppSync's side of conversations, as a test scripts it: what no model of the local stack says, and what would take it long to
 * make, such as reasoning, citations, and conversations of hundreds of turns. GraphQL over HTTP, and AppSync's real-time
 * protocol; it knows each operation by its field, and sends all that the schema has.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { WebSocketServer, type WebSocket } from 'ws';

import { FakeConversations, Refusal, type Script } from './fake_conversations';

export interface FakeApi {
  graphqlUrl: string;
  conversations: FakeConversations;
  /** How prompts that contain `part` are answered from now on. The latest rule that fits wins. */
  answer(part: string, script: Script): void;
  /** Lets answers to prompts with `part` go on beyond `holdAfter`. */
  release(part: string): void;
  close(): Promise<void>;
}

interface Subscription {
  socket: WebSocket;
  id: string;
  field: string;
  variables: Record<string, unknown>;
  owner: string;
}

export async function startFakeApi(): Promise<FakeApi> {
  const subscriptions = new Set<Subscription>();
  const publish = (field: string, event: Record<string, unknown>): void => {
    for (const { socket, id, field: name, variables } of subscriptions) {
      const matches = Object.entries(variables).every(([key, value]) => event[key] === value);
      if (name !== field || !matches) continue;
      socket.send(JSON.stringify({ id, type: 'data', payload: { data: { [field]: event } } }));
    }
  };
  const conversations = new FakeConversations(publish);
  const server = createServer((request, response) => {
    void serve(request, response, conversations);
  });
  listen(server, conversations, subscriptions);
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    graphqlUrl: `http://localhost:${port}/graphql`,
    conversations,
    answer: (part, script) => {
      conversations.script(part, script);
    },
    release: (part) => {
      conversations.release(part);
    },
    close: () =>
      new Promise((resolve) => {
        for (const { socket } of subscriptions) socket.terminate();
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  conversations: FakeConversations,
): Promise<void> {
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-allow-headers', '*');
  if (request.method === 'OPTIONS') {
    response.end();
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = JSON.parse(Buffer.concat(chunks).toString()) as Operation;
  const owner = subOf(request.headers.authorization ?? '');
  response.setHeader('content-type', 'application/json');
  const field = fieldOf(body.query);
  try {
    const answer = conversations.answerTo(field, body.variables ?? {}, owner);
    response.end(JSON.stringify({ data: { [field]: answer } }));
  } catch (error) {
    response.end(JSON.stringify({ data: null, errors: [asError(error)] }));
  }
}

interface Operation {
  query: string;
  variables?: Record<string, unknown>;
}

interface Frame {
  id?: string;
  type: string;
  payload?: { data: string; extensions: { authorization: { Authorization: string } } };
}

function listen(
  server: Server,
  conversations: FakeConversations,
  subscriptions: Set<Subscription>,
): void {
  const sockets = new WebSocketServer({
    server,
    handleProtocols: () => 'graphql-ws',
  });
  sockets.on('connection', (socket) => {
    const send = (frame: object): void => {
      socket.send(JSON.stringify(frame));
    };
    socket.on('message', (data: Buffer) => {
      const { id = '', type, payload } = JSON.parse(data.toString()) as Frame;
      if (type === 'connection_init') {
        send({ type: 'connection_ack', payload: { connectionTimeoutMs: 300_000 } });
      } else if (type === 'start' && payload) {
        const { query, variables = {} } = JSON.parse(payload.data) as Operation;
        const owner = subOf(payload.extensions.authorization.Authorization);
        const field = fieldOf(query);
        try {
          conversations.mayHear(field, variables, owner);
          subscriptions.add({ socket, id, field, variables, owner });
          send({ id, type: 'start_ack' });
        } catch (error) {
          send({ id, type: 'error', payload: { errors: [asError(error)] } });
        }
      } else if (type === 'stop') {
        for (const one of subscriptions) {
          if (one.socket === socket && one.id === id) subscriptions.delete(one);
        }
        send({ id, type: 'complete' });
      }
    });
    socket.on('close', () => {
      for (const one of subscriptions) if (one.socket === socket) subscriptions.delete(one);
    });
  });
}

/** The one field of a document's one operation. */
function fieldOf(query: string): string {
  return /\{\s*(\w+)/.exec(query)?.[1] ?? '';
}

function subOf(token: string): string {
  const [, claims = ''] = token.split('.');
  const { sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub: string };
  return sub;
}

function asError(error: unknown): object {
  if (error instanceof Refusal) return { errorType: error.code, message: error.message };
  throw error;
}
