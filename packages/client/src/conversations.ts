/** The caller's conversations: always by GraphQL, whatever the delivery of answers. */

import type {
  Conversation,
  ConversationEvent,
  ConversationList,
  ConversationTurns,
  ExportFormat,
  PageOptions,
  Turn,
} from './conversation.js';
import { isFunction, isObject, isText, maybe, mustBe, mustBeOneOf } from './arguments.js';
import type { Timeouts } from './bounds.js';
import { canonical } from './canonical.js';
import {
  CONVERSATION,
  CONVERSATIONS,
  DELETE_CONVERSATION,
  EXPORT_CONVERSATION,
  ON_CONVERSATION_UPDATED,
  ON_CONVERSATIONS_UPDATED,
  RENAME_CONVERSATION,
} from './conversation_operations.js';
import { asTokencastError, errorOfType, TokencastError } from './errors.js';
import type { GraphqlApi, Subscription, SubscriptionListener, Variables } from './graphql_api.js';
import { watch } from './watch.js';
import { wellFormed } from './well_formed.js';
import { within } from './within.js';

/** Who hears of changes. A connection that is lost comes again by itself, with new tokens. */
export interface ConversationListener {
  /** Connected, for the first time or again: whatever changed before may be unheard of, so read anew. */
  resync: () => void;
  event: (event: ConversationEvent) => void;
  /** The connection is lost for now. */
  lost?: (error: TokencastError) => void;
  /** There is no way to hear of changes any more: refused, such as for a conversation that is not there. Nothing follows. */
  ended?: (error: TokencastError) => void;
}

/** Ids are UUIDs. What is unknown and what is somebody else's look the same: not there. */
export interface Conversations {
  /** Whose they are: the user's `sub`. */
  owner(): Promise<string>;
  /** A page of the caller's conversations, the one with the newest turn first. It lags behind by a moment. */
  list(options?: PageOptions): Promise<ConversationList>;
  /** A conversation and a page of its turns, the oldest first; `null` if there is none. */
  get(conversationId: string, options?: PageOptions): Promise<ConversationTurns | null>;
  /** A conversation with all its turns; `null` if there is none. */
  getAll(conversationId: string): Promise<ConversationTurns | null>;
  /** Gives it another title: 1 to 200 characters. */
  rename(conversationId: string, title: string): Promise<Conversation>;
  /** Deletes it with all its sessions, and stops those that run. Idempotent. */
  delete(conversationId: string): Promise<void>;
  /**
   * The whole conversation as one document.
   *
   * @throws `TokencastError` of the kind `notFound` if there is none
   */
  export(conversationId: string, format: ExportFormat): Promise<string>;
  /** Hears of the changes of one conversation, which has to exist; returns how to end it. */
  onUpdated(conversationId: string, listener: ConversationListener): () => void;
  /** Hears of the changes of all of the caller's conversations; returns how to end it. */
  onAllUpdated(listener: ConversationListener): () => void;
}

/** Over any API. */
export function conversationsOver(api: GraphqlApi, timeouts: Timeouts): Conversations {
  const call = <T>(query: string, variables: Variables): Promise<T> =>
    within(timeouts.call, api.call<T>(query, variables), 'The API does not answer');

  async function get(
    conversationId: string,
    options: PageOptions = {},
  ): Promise<ConversationTurns | null> {
    const variables = { id: idOf(conversationId), ...pageOf(options) };
    const { conversation } = await call<{ conversation: ConversationTurns | null }>(
      CONVERSATION,
      variables,
    );
    return conversation;
  }

  async function getAll(conversationId: string): Promise<ConversationTurns | null> {
    const turns = new Map<string, Turn>();
    let nextToken: string | null = null;
    let page: ConversationTurns | null;
    do {
      page = await get(conversationId, { limit: MAX_PAGE, nextToken });
      // It may have been deleted meanwhile.
      if (page === null) return null;
      for (const turn of page.turns) turns.set(turn.sessionId, turn);
      ({ nextToken } = page);
    } while (nextToken !== null);
    return { ...page, turns: [...turns.values()] };
  }

  async function whole(conversationId: string, format: ExportFormat): Promise<string> {
    const id = idOf(conversationId);
    mustBeOneOf('format', format, ['MARKDOWN', 'JSON']);
    const pieces: string[] = [];
    let nextToken: string | null = null;
    do {
      const variables: Variables = { id, format, ...pageOf({ nextToken }) };
      const { exportConversation: piece }: { exportConversation: ExportPiece | null } = await call(
        EXPORT_CONVERSATION,
        variables,
      );
      if (piece === null) throw errorOfType(NOT_FOUND, 'There is no such conversation');
      pieces.push(piece.content);
      nextToken = piece.nextToken ?? null;
    } while (nextToken !== null);
    return pieces.join('');
  }

  /** Subscribes once that is known which variables it takes. */
  function follow(
    subscription: () => Subscription | Promise<Subscription>,
    listener: ConversationListener,
  ): () => void {
    mustBe(isListener(listener), 'listener', listener, 'an object with `resync` and `event`');
    const subscribe = (once: SubscriptionListener): (() => void) => {
      let end: (() => void) | null = null;
      let over = false;
      Promise.resolve()
        .then(subscription)
        .then(
          (made) => {
            if (!over) end = api.subscribe(made, once);
          },
          (error: unknown) => {
            if (!over) once.lost(asTokencastError(error));
          },
        );
      return () => {
        over = true;
        end?.();
      };
    };
    return watch(
      { api, timeouts, subscribe },
      {
        resync: listener.resync,
        event: (data) => {
          listener.event(data as ConversationEvent);
        },
        lost: (error) => listener.lost?.(error),
        ended: (error) => listener.ended?.(error),
      },
    );
  }

  return {
    owner: () => api.owner(),
    async list(options = {}) {
      const { conversations } = await call<{ conversations: ConversationList }>(
        CONVERSATIONS,
        pageOf(options),
      );
      return conversations;
    },
    get,
    getAll,
    async rename(conversationId, title) {
      const id = idOf(conversationId);
      mustBe(isText(title), 'title', title, 'a string');
      const variables = { id, title: wellFormed(title) };
      const { renameConversation } = await call<{ renameConversation: Conversation }>(
        RENAME_CONVERSATION,
        variables,
      );
      return renameConversation;
    },
    async delete(conversationId) {
      await call(DELETE_CONVERSATION, { id: idOf(conversationId) });
    },
    export: whole,
    onUpdated(conversationId, listener) {
      const variables = { conversationId: idOf(conversationId) };
      const subscription: Subscription = {
        query: ON_CONVERSATION_UPDATED,
        field: 'onConversationUpdated',
        variables,
      };
      return follow(() => subscription, listener);
    },
    onAllUpdated(listener) {
      const subscription = async (): Promise<Subscription> => ({
        query: ON_CONVERSATIONS_UPDATED,
        field: 'onConversationsUpdated',
        variables: { owner: await api.owner() },
      });
      return follow(subscription, listener);
    },
  };
}

/** For a client over a transport that knows no GraphQL. */
export const NO_CONVERSATIONS: Conversations = {
  owner: refuse,
  list: refuse,
  get: refuse,
  getAll: refuse,
  rename: refuse,
  delete: refuse,
  export: refuse,
  onUpdated: (_, listener) => tellRefusal(listener),
  onAllUpdated: tellRefusal,
};

function refuse(): Promise<never> {
  return Promise.reject(noGraphql());
}

function tellRefusal(listener: ConversationListener): () => void {
  let over = false;
  void Promise.resolve().then(() => {
    if (!over) listener.ended?.(noGraphql());
  });
  return () => {
    over = true;
  };
}

function noGraphql(): TokencastError {
  const message = 'This client was made without GraphQL, which conversations need';
  return new TokencastError('refused', message, { retryable: false });
}

interface ExportPiece {
  content: string;
  nextToken?: string | null;
}

const NOT_FOUND = 'CONVERSATION_NOT_FOUND';
/** Of a page that the API gives. */
const MAX_PAGE = 100;

function idOf(conversationId: string): string {
  return canonical(conversationId, 'conversationId');
}

function isListener(listener: unknown): boolean {
  const { resync, event } = (listener ?? {}) as Partial<ConversationListener>;
  return isFunction(resync) && isFunction(event);
}

function pageOf(options: PageOptions): Variables {
  mustBe(isObject(options), 'options', options, 'an object');
  const { limit, nextToken } = options;
  mustBe(maybe(limit, Number.isInteger), 'limit', limit, 'a whole number');
  mustBe(maybe(nextToken, isText), 'nextToken', nextToken, 'a string of a page before');
  return {
    ...(limit == null ? {} : { limit }),
    ...(nextToken == null ? {} : { nextToken }),
  };
}
