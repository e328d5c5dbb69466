/** What the API says of a session, and what a stream yields. The names are those of `schema.graphql`. */

import type { Block, BlockType, Citation, Piece, ToolResult, ToolUse } from './blocks.js';

export type StreamStatus =
  'CLAIMED' | 'QUEUED' | 'STREAMING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

/** What the model counted, in its own tokens. */
export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
  totalTokens: number;
  /** Of the input, what the model had in its prompt cache. */
  cacheReadInputTokens?: number | null;
  /** Of the input, what the model wrote into its prompt cache. */
  cacheWriteInputTokens?: number | null;
  /** In US dollars; `null` where the model has no price. */
  cost?: number | null;
}

/** What a guardrail did to a prompt or its answer. With the `stopReason` `guardrail_intervened` it has blocked it. */
export interface Guardrail {
  /** `BLOCKED` or `MASKED`. */
  action: string;
  /** What it found, by the guardrail's own names: `EMAIL`, `PROFANITY`, a topic's name … */
  masked: readonly string[];
}

/** Why a session failed. */
export interface StreamError {
  /** `THROTTLED`, `MODEL_ERROR` and so on. */
  code: string;
  /** Safe to show to a user. */
  message: string;
  /** Whether the same prompt may well succeed if it is sent again. */
  retryable: boolean;
  /** Of `QUOTA_EXCEEDED`: when it may be tried again. ISO 8601, UTC. */
  resetsAt?: string | null;
  /** Of `QUOTA_EXCEEDED`: the limit, such as `startsPerDay`. */
  limit?: string | null;
}

/** An event of `onTokenReceived`, and of the other channels. A server of the source article's leaves out all that is optional here. */
export interface TokenEvent {
  token: string;
  isComplete: boolean;
  sequence?: number | null;
  /** Of an event that joins several: the first of them, `sequence` being the last. */
  firstSequence?: number | null;
  attempt?: number | null;
  status?: StreamStatus | null;
  stopReason?: string | null;
  usage?: TokenUsage | null;
  error?: StreamError | null;
  /** The block that this is a piece of. Absent in the event that ends a session, and from servers that know text only. */
  blockIndex?: number | null;
  blockType?: BlockType | null;
  /** The next text of a `REASONING` block. */
  reasoning?: string | null;
  citation?: Citation | null;
  /** The first event of a `TOOL_USE` block has no `input`; each other has the next part of it. */
  toolUse?: ToolUse | null;
  toolResult?: ToolResult | null;
  /** Only in the last event, and only if a guardrail did something. */
  guardrail?: Guardrail | null;
}

/** The answer of `getStream`: a session as it stands. */
export interface Snapshot {
  status: StreamStatus;
  /** The joined tokens of events 1 to `sequence` of this `attempt`. */
  text: string;
  /** The whole answer, from the same events. Absent: the text is all there is. */
  blocks?: readonly Block[] | null;
  /** How long the model has reasoned, in milliseconds. */
  reasoningMs?: number | null;
  sequence: number;
  attempt: number;
  stopReason?: string | null;
  usage?: TokenUsage | null;
  error?: StreamError | null;
  /** Why it waits, if something is known to hold it up. */
  waiting?: Waiting | null;
  /** The conversation that the session belongs to, if any. */
  conversationId?: string | null;
  /** The session that it continues; `null` at the beginning of a conversation. */
  parentId?: string | null;
  /** The assistant that answers. */
  assistant?: string | null;
  guardrail?: Guardrail | null;
}

export interface Waiting {
  /** A failure's code: `THROTTLED`, while the model has no capacity. */
  reason: string;
  /** ISO 8601, UTC. */
  since: string;
}

/** How a session ended. */
export interface Ending {
  status: 'COMPLETED' | 'FAILED' | 'CANCELLED';
  stopReason: string | null;
  usage: TokenUsage | null;
  error: StreamError | null;
  /** There only if a guardrail did something. */
  guardrail?: Guardrail;
}

/** What a stream yields. `completed`, `failed` or `cancelled` is its last event. */
export type AnswerEvent =
  /** The API has accepted the prompt, or has the session that is being resumed. */
  | { type: 'started'; sessionId: string }
  /** It waits for a worker, or a worker has it; said when it is known and changes. */
  | { type: 'status'; status: 'QUEUED' | 'STREAMING' }
  /** The next piece of the answer: of its text (`text`), or of another block. */
  | Piece
  /** The answer starts again from nothing. */
  | { type: 'restarted'; attempt: number }
  /** The connection was lost; the next try follows after `delayMs`. */
  | { type: 'reconnecting'; tries: number; delayMs: number; reason: string }
  /** Listening again. What was missed follows. */
  | { type: 'reconnected' }
  | ({ type: 'completed'; stopReason: string | null; usage: TokenUsage | null } & Guarded)
  | ({ type: 'failed'; usage: TokenUsage | null } & StreamError & Guarded)
  | ({ type: 'cancelled'; stopReason: string | null; usage: TokenUsage | null } & Guarded);

/** Of a last event. */
export interface Guarded {
  /** There only if a guardrail did something. */
  guardrail?: Guardrail;
}

export function isTerminal(status: StreamStatus): status is Ending['status'] {
  return status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED';
}
