/** The client: prompts in, typed events out. */

import { NO_ACCOUNT, type Account } from './account.js';
import { isFunction, isObject, isText, maybe, mustBe } from './arguments.js';
import { timeoutsOf, type Timeouts } from './bounds.js';
import { byReplay, bySnapshots, type Channel } from './channel.js';
import { canonical, maybeCanonical } from './canonical.js';
import { NO_CONVERSATIONS, type Conversations } from './conversations.js';
import type { Begin } from './engine.js';
import { HERE } from './environment.js';
import { globals, type StopSignal } from './globals.js';
import { sessionEvents } from './session.js';
import type { InConversation, ReplayTransport, Transport } from './transport.js';
import type { AnswerEvent, Snapshot } from './types.js';
import { wellFormed } from './well_formed.js';
import { within } from './within.js';

export interface StreamOptions extends InConversation {
  /** Aborting it stops the session: the model ends, and the last event is `cancelled`. */
  signal?: StopSignal | undefined;
  /** A UUID of one's own. An id of a session that exists starts nothing new, and answers with that one. */
  sessionId?: string | undefined;
}

/**
 * The events of one session; `completed`, `failed` or `cancelled` is the last. Each iteration has a connection of its
 * own, and leaving the loop early ends it: the answer goes on without a listener, and `resumeStream` finds it again.
 */
export interface AnswerStream extends AsyncIterable<AnswerEvent> {
  readonly sessionId: string;
}

export interface TokencastClient extends Account {
  /**
   * Sends a prompt under a new session id, listening before it starts, so that no token is missed.
   *
   * A prompt that is no Unicode is repaired. An argument of another type is a `TypeError` at once. The iteration throws a `TokencastError` if there is no way to the end of the
   * answer: refused, not found, no connection. A model that fails is no exception but the event `failed`.
   */
  streamPrompt(prompt: string, options?: StreamOptions): AnswerStream;
  /** Listens to a session that was started elsewhere or before, from the beginning of its text. */
  resumeStream(sessionId: string, options?: Pick<StreamOptions, 'signal'>): AnswerStream;
  /** Stops a session, wherever it is. Idempotent. */
  stopStream(sessionId: string): Promise<void>;
  /** A session as it stands; `null` if there is none. */
  getStream(sessionId: string): Promise<Snapshot | null>;
  /** The user's conversations, by GraphQL. */
  readonly conversations: Conversations;
}

/**
 * Over a transport of AppSync's flavour.
 *
 * @throws `TypeError` for an argument that is none
 */
export function clientOver(
  transport: Transport,
  timeouts: Partial<Timeouts> = {},
  conversations = NO_CONVERSATIONS,
  account = NO_ACCOUNT,
): TokencastClient {
  mustBe(isObject(transport), 'transport', transport, 'a `Transport`');
  return clientOf(
    timeouts,
    conversations,
    account,
    (sessionId) => bySnapshots(transport, sessionId),
    (sessionId) => transport.stopStream(sessionId),
    (sessionId) => transport.getStream(sessionId),
  );
}

/** Over a transport that goes on behind what a client has. It has no `getStream` of its own; silences are looked into by it. */
export function clientOverReplay(
  transport: ReplayTransport,
  getStream: TokencastClient['getStream'],
  timeouts: Partial<Timeouts> = {},
  conversations = NO_CONVERSATIONS,
  account = NO_ACCOUNT,
): TokencastClient {
  mustBe(isObject(transport), 'transport', transport, 'a `ReplayTransport`');
  mustBe(isFunction(getStream), 'getStream', getStream, 'a function');
  return clientOf(
    timeouts,
    conversations,
    account,
    (sessionId) => byReplay(transport, sessionId, getStream, HERE),
    (sessionId) => transport.stopStream(sessionId),
    getStream,
  );
}

function clientOf(
  partial: Partial<Timeouts>,
  conversations: Conversations,
  account: Account,
  channel: (sessionId: string) => Channel,
  stopStream: TokencastClient['stopStream'],
  getStream: TokencastClient['getStream'],
): TokencastClient {
  const timeouts = timeoutsOf(partial);
  const stream = (id: string, begin: Begin, signal?: StopSignal): AnswerStream => {
    mustBe(maybe(signal, isSignal), 'signal', signal, 'an `AbortSignal`');
    const sessionId = canonical(id, 'sessionId');
    const options = { sessionId, begin, timeouts, environment: HERE, signal };
    return {
      sessionId,
      [Symbol.asyncIterator]: () => sessionEvents({ ...options, channel: channel(sessionId) }),
    };
  };
  return {
    ...account,
    conversations,
    streamPrompt: (prompt, options = {}) => {
      mustBe(isText(prompt), 'prompt', prompt, 'a string');
      mustBe(isObject(options), 'options', options, 'an object');
      const { sessionId, conversationId, parentId, assistant, signal } = options;
      mustBe(maybe(assistant, isText), 'assistant', assistant, 'the name of one');
      const begin = {
        prompt: wellFormed(prompt),
        conversationId: maybeCanonical(conversationId, 'conversationId'),
        parentId: maybeCanonical(parentId, 'parentId'),
        assistant,
      };
      return stream(sessionId ?? newSessionId(), begin, signal);
    },
    resumeStream: (sessionId, options = {}) => {
      mustBe(isObject(options), 'options', options, 'an object');
      return stream(sessionId, 'resume', options.signal);
    },
    stopStream: async (sessionId) => {
      const id = canonical(sessionId, 'sessionId');
      await within(timeouts.call, stopStream(id), 'The stop was not answered');
    },
    getStream: async (sessionId) => {
      const id = canonical(sessionId, 'sessionId');
      return within(timeouts.call, getStream(id), 'The API does not answer');
    },
  };
}

function isSignal(value: unknown): boolean {
  return isObject(value) && isFunction((value as Partial<StopSignal>).addEventListener);
}

/** A UUID. `crypto.randomUUID` is missing in pages that came over plain HTTP from another machine. */
export function newSessionId(): string {
  const bytes = globals.crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte, index) => {
    if (index === 6) return (byte & 0x0f) | 0x40;
    return index === 8 ? (byte & 0x3f) | 0x80 : byte;
  }).map((byte) => byte.toString(16).padStart(2, '0'));
  return hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
