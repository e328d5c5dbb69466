/** What the API says of conversations. The names are those of `schema.graphql`. */

import type { Snapshot, StreamStatus, TokenUsage } from './types.js';

/** A tree of turns: a turn continues another, or begins the conversation. Turns that continue the same one are versions of each other. */
export interface Conversation {
  conversationId: string;
  title: string;
  /** The session that was started last. */
  lastSessionId: string | null;
  turnCount: number;
  /** The assistant of the turn that was started last. */
  assistant?: string | null;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** When it last changed: ISO 8601, UTC. */
  updatedAt: string;
}

/** A prompt and its answer. */
export interface Turn {
  sessionId: string;
  /** The turn that it continues; `null` if it begins the conversation. */
  parentId: string | null;
  prompt: string;
  /** The answer; `null` if its session is not there any more. */
  stream: Snapshot | null;
  /** ISO 8601, UTC. */
  createdAt: string;
}

/** A page of the list, the conversation with the newest turn first. */
export interface ConversationList {
  items: Conversation[];
  /** For the next page; `null` at the end. */
  nextToken: string | null;
}

/** A conversation with a page of its turns, the oldest first. */
export interface ConversationTurns extends Conversation {
  turns: Turn[];
  /** What all turns have used together. */
  usage?: TokenUsage | null;
  /** For the next page of `turns`; `null` at the end. */
  nextToken: string | null;
}

/** Which page to read. `limit`: 1 to 100. */
export interface PageOptions {
  limit?: number | undefined;
  nextToken?: string | null | undefined;
}

export type ExportFormat = 'MARKDOWN' | 'JSON';

export type ConversationChange = 'TURN_STARTED' | 'TURN_ENDED' | 'RENAMED' | 'DELETED';

/** Something has changed in a conversation. Whoever needs more than this reads the conversation. */
export interface ConversationEvent {
  conversationId: string;
  owner: string;
  kind: ConversationChange;
  title: string | null;
  /** The turn that began or ended. */
  sessionId: string | null;
  parentId: string | null;
  /** How the turn stands. */
  status: StreamStatus | null;
  /** ISO 8601, UTC. */
  timestamp: string;
}
