/** A session over an API Gateway WebSocket API: the actions `stream`, `stop` and `resume`, and the frames that answer them. */

import { isFunction, maybe, mustBe, mustBeAddress } from './arguments.js';
import { TIMEOUTS } from './bounds.js';
import { asTokencastError, errorOfCode, TokencastError } from './errors.js';
import { globals, OPEN, type WebSocketConstructor, type WebSocketLike } from './globals.js';
import { notFound } from './record.js';
import { openSocket } from './socket.js';
import { tokensFrom, type Tokens } from './tokens.js';
import { placeOf } from './graphql_api.js';
import type { Ask, ConnectionListener, InConversation, ReplayTransport } from './transport.js';
import type { StreamError, StreamStatus, TokenEvent } from './types.js';

/** API Gateway closes the connection on a longer frame, and a browser can't split a message. */
const MAX_FRAME_BYTES = 32_768;

export interface WebSocketOptions {
  /** In place of the global one, which Node 20 lacks. */
  WebSocket?: WebSocketConstructor | undefined;
  /** Sends prompts that are too long for a frame by another way; they are followed here all the same. */
  startStream?: (sessionId: string, prompt: string, turn: InConversation) => Promise<void>;
  /**
   * Asks for the session by another way, once a handshake was refused with a new token: a browser isn't told why. If this is
   * refused for the token, too, so is the session; otherwise the connection is tried again.
   */
  getStream?: (sessionId: string) => Promise<unknown>;
}

/**
 * Sessions over the WebSocket API at `url`, which ends with the stage.
 *
 * @throws `TypeError` for an argument that is none
 */
export function webSocketTransport(
  url: string,
  source: Tokens,
  { WebSocket, startStream, getStream }: WebSocketOptions = {},
): ReplayTransport {
  mustBeAddress('webSocketUrl', url, 'ws');
  mustBe(maybe(WebSocket, isFunction), 'WebSocket', WebSocket, 'a constructor');
  const tokens = tokensFrom(source);
  /** The last handshake was refused. A browser doesn't say why; it may be the token. */
  let refused = false;

  /** One connection; returns how to end it, and how to say something on it. */
  function open(sessionId: string, handlers: Handlers): OpenSocket {
    let socket: WebSocketLike | null = null;
    let over = false;
    const lose = (error: TokencastError): void => {
      if (over) return;
      over = true;
      socket?.close();
      handlers.lost(error);
    };
    async function connect(): Promise<void> {
      // A page cannot set a header of a handshake, so that the token goes into the address.
      const token = encodeURIComponent(await tokens(refused));
      // Who has left needs no socket.
      if (over) return;
      const made = openSocket(WebSocket, `${url}${url.includes('?') ? '&' : '?'}token=${token}`);
      socket = made;
      let opened = false;
      made.onopen = () => {
        opened = true;
        refused = false;
        if (!over) handlers.opened();
      };
      made.onmessage = ({ data }: { data: unknown }) => {
        // API Gateway may send an empty frame for a route that answers nothing.
        if (over || data === '') return;
        try {
          handlers.frame(JSON.parse(String(data)) as Frame);
        } catch {
          lose(new TokencastError('connection', 'The API sent a frame that is none'));
        }
      };
      // It says nothing that the close behind it doesn't.
      made.onerror = () => undefined;
      made.onclose = () => {
        if (over) return;
        const lost = new TokencastError('connection', 'The connection was lost');
        const wasNew = refused;
        if (!opened) refused = !refused;
        if (opened || !wasNew || getStream === undefined) lose(lost);
        // Not the token's age, but it may be the token all the same.
        else
          refusalOf(getStream(sessionId)).then((refusal) => {
            lose(refusal ?? lost);
          }, lose);
      };
    }

    connect().catch((error: unknown) => {
      lose(asTokencastError(error));
    });
    return {
      send: (action) => {
        if (socket?.readyState === OPEN) socket.send(JSON.stringify(action));
      },
      lose,
      close: () => {
        over = true;
        socket?.close();
      },
    };
  }

  return {
    open(sessionId, ask, listener) {
      const resume = (after: Ask & { after: unknown }): object => ({
        action: 'resume',
        sessionId,
        ...(after.after ?? { attempt: 0, sequence: 0 }),
      });
      const say = (action: object): void => {
        listener.asked();
        connection.send(action);
      };
      const start = (prompt: string, turn: InConversation): void => {
        const stream = { action: 'stream', sessionId, prompt, ...placeOf(turn) };
        const bytes = new globals.TextEncoder().encode(JSON.stringify(stream)).length;
        if (bytes <= MAX_FRAME_BYTES) {
          say(stream);
          return;
        }
        listener.asked();
        const started = startStream?.(sessionId, prompt, turn) ?? Promise.reject(tooLong(bytes));
        started.then(
          () => {
            say(resume({ after: null }));
          },
          (error: unknown) => {
            connection.lose(asTokencastError(error));
          },
        );
      };
      const connection = open(sessionId, {
        opened: () => {
          if ('prompt' in ask) start(ask.prompt, ask);
          else say(resume(ask));
        },
        frame: (frame) => {
          tell(frame, sessionId, listener, () => {
            connection.close();
          });
        },
        lost: (error) => {
          listener.lost(error);
        },
      });
      return {
        ask: (after) => {
          connection.send(resume({ after }));
        },
        close: () => {
          connection.close();
        },
      };
    },
    stopStream: (sessionId) =>
      new Promise((resolve, reject) => {
        const done = (error: TokencastError | null): void => {
          globals.clearTimeout(timer);
          connection.close();
          if (error === null) resolve();
          else reject(error);
        };
        const timer = globals.setTimeout(() => {
          done(new TokencastError('connection', 'The stop was not answered'));
        }, TIMEOUTS.call);
        const connection = open(sessionId, {
          opened: () => {
            connection.send({ action: 'stop', sessionId });
          },
          frame: (frame) => {
            if (frame.type === 'stopping' && frame.sessionId === sessionId) done(null);
            const error = refusalIn(frame, sessionId);
            if (error !== null) done(error);
          },
          lost: done,
        });
      }),
  };
}

/** The refusal of the token that a call met; `null` if it met none. */
async function refusalOf(call: Promise<unknown>): Promise<TokencastError | null> {
  try {
    await call;
    return null;
  } catch (thrown) {
    const error = asTokencastError(thrown);
    return error.kind === 'unauthorized' ? error : null;
  }
}

function tooLong(bytes: number): TokencastError {
  const limit = `a browser can send ${MAX_FRAME_BYTES} over a WebSocket`;
  const message = `The prompt takes ${bytes} bytes, and ${limit}: choose AppSync or the Function URL`;
  return new TokencastError('refused', message, { errorType: 'INVALID_PROMPT', retryable: false });
}

interface OpenSocket {
  send: (action: object) => void;
  /** Closes it, and says why. */
  lose: (error: TokencastError) => void;
  close: () => void;
}

interface Handlers {
  opened: () => void;
  frame: (frame: Frame) => void;
  lost: (error: TokencastError) => void;
}

interface Frame extends Partial<Omit<TokenEvent, 'error'>> {
  type?: string;
  /** Of a refusal: what was refused. */
  action?: string;
  sessionId?: string;
  error?: StreamError | null;
  /** Of API Gateway's own errors, which have no type. */
  message?: string;
}

function tell(
  frame: Frame,
  sessionId: string,
  listener: ConnectionListener,
  close: () => void,
): void {
  const error = refusalIn(frame, sessionId);
  if (error !== null) {
    close();
    listener.lost(error);
    return;
  }
  if (frame.sessionId !== sessionId) return;
  switch (frame.type) {
    case 'started':
    case 'resumed':
      listener.answered(frame.status ?? null);
      return;
    case 'token':
    case 'complete':
    case 'error':
      if (isEvent(frame)) listener.event(frame);
  }
}

/** A refusal of an action has no `isComplete`, which the event of a failed session has. */
function isEvent(frame: Frame): frame is Frame & TokenEvent & { status?: StreamStatus } {
  return typeof frame.token === 'string' && typeof frame.isComplete === 'boolean';
}

function refusalIn(frame: Frame, sessionId: string): TokencastError | null {
  if (frame.type === undefined && frame.message !== undefined) {
    return new TokencastError('connection', frame.message);
  }
  if (frame.type !== 'error' || frame.isComplete !== undefined) return null;
  if (frame.sessionId !== undefined && frame.sessionId !== sessionId) return null;
  const error = frame.error ?? { code: 'INTERNAL', message: 'The API refused', retryable: true };
  // As over the other channels: what is somebody else's isn't there.
  return frame.action === 'resume' && error.code === 'UNAUTHORIZED'
    ? notFound()
    : errorOfCode(error);
}
