/** What `useConversations` and `useConversation` show, and what can be done. Functions are stable as long as the component is there. */

import type { Conversation, InConversation, StreamError } from '@tokencast/client';

import type { AnswerView } from './answer_view.js';

/** The user's conversations, the one with the newest turn first. It follows what happens elsewhere. */
export interface ConversationsView {
  items: readonly Conversation[];
  /** `failed`: it could not be read; `error` says why, and `reload` tries again. */
  state: 'loading' | 'ready' | 'failed';
  /** Of the last thing that went wrong; `null` again with the next that goes well. */
  error: StreamError | null;
  /** Whether `more` would bring older ones. */
  hasMore: boolean;
  loadingMore: boolean;
  more: () => void;
  reload: () => void;
  /** Shows the new title at once. Answers whether the API has it; if not, `error` says why, and the old one is back. */
  rename: (conversationId: string, title: string) => Promise<boolean>;
  /** Deletes it; it is gone from the list at once. Answers whether the API has done it; if not, it is back. */
  remove: (conversationId: string) => Promise<boolean>;
}

/** Who answers a question. */
export type AskOptions = Pick<InConversation, 'assistant'>;

/** A question and its answer in a conversation. */
export interface TurnView {
  sessionId: string;
  /** The turn that it continues; `null` if it begins the conversation. */
  parentId: string | null;
  prompt: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** The same object as long as nothing in it has changed. `answer.sent`: the API knows of the question. */
  answer: AnswerView;
}

/** Where a turn stands among those that continue the same one: versions of a question, or of its answer. */
export interface Siblings {
  /** 0 for the oldest. */
  index: number;
  count: number;
  /** Shows the version before; does nothing at the first. */
  previous: () => void;
  /** Shows the version after; does nothing at the last. */
  next: () => void;
}

/** What it takes to ask a question again under the same id, such as after a reload of the page. */
export interface Question {
  sessionId: string;
  parentId: string | null;
  prompt: string;
  /** The assistant that it named, if it named one. */
  assistant?: string | undefined;
}

/** One conversation. Turns that are begun in another tab appear here, with their answers as they come. */
export interface ConversationView {
  /** `null` until it is there. */
  conversation: Conversation | null;
  /** All turns, the oldest first: a tree by `parentId`. */
  turns: readonly TurnView[];
  /** The branch that is shown, from its beginning: of each turn's versions the one chosen, or the newest. */
  path: readonly TurnView[];
  /** The answer of the last turn of `path`; `idle` if there is none. */
  answer: AnswerView;
  /**
   * `missing`: nobody has used this id, or it isn't the user's; `ask` begins a conversation. `deleted`: it was there.
   * `failed`: it could not be read; `error` says why, and `reload` tries again.
   */
  state: 'loading' | 'ready' | 'missing' | 'deleted' | 'failed';
  error: StreamError | null;
  siblings: (sessionId: string) => Siblings;
  /** Shows the branch that this turn is on. */
  show: (sessionId: string) => void;
  /**
   * Asks at the end of the branch that is shown, and returns the new session's id. `null`, and nothing happens, while its last
   * answer isn't over, and unless the conversation is `ready` or `missing`. Without an `assistant`, the conversation's last
   * answers, or else the default.
   */
  ask: (prompt: string, options?: AskOptions) => string | null;
  /** Asks another question in this one's place: a version of it. `null` for a turn that isn't there. */
  edit: (sessionId: string, prompt: string, options?: AskOptions) => string | null;
  /** Asks the same question once more: a version of its answer. `null` for a turn that isn't there. */
  regenerate: (sessionId: string, options?: AskOptions) => string | null;
  /** Shows a question that was asked before the page was reloaded, and sends it again: sent twice, it starts nothing twice. */
  restore: (question: Question) => void;
  /** Follows an answer anew from its beginning; a question that didn't arrive is sent again. */
  retry: (sessionId: string) => void;
  /** Takes back a question that didn't arrive. */
  discard: (sessionId: string) => Question | null;
  /** Stops the answer that runs at the end of the branch that is shown, for everybody. */
  stop: () => void;
  reload: () => void;
}
