/** What the API says of a session, and what a stream yields. The names are those of `schema.graphql`. */

export type StreamStatus =
  'CLAIMED' | 'QUEUED' | 'STREAMING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

/** What the model counted, in its own tokens. */
export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
  totalTokens: number;
}

/** Why a session failed. */
export interface StreamError {
  /** `THROTTLED`, `MODEL_ERROR` and so on. */
  code: string;
  /** Safe to show to a user. */
  message: string;
  /** Whether the same prompt may well succeed if it is sent again. */
  retryable: boolean;
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
}

/** The answer of `getStream`: a session as it stands. */
export interface Snapshot {
  status: StreamStatus;
  /** The joined tokens of events 1 to `sequence` of this `attempt`. */
  text: string;
  sequence: number;
  attempt: number;
  stopReason?: string | null;
  usage?: TokenUsage | null;
  error?: StreamError | null;
  /** Why it waits, if something is known to hold it up. */
  waiting?: Waiting | null;
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
}

/** What a stream yields. `completed`, `failed` or `cancelled` is its last event. */
export type AnswerEvent =
  /** The API has accepted the prompt, or has the session that is being resumed. */
  | { type: 'started'; sessionId: string }
  /** It waits for a worker, or a worker has it; said when it is known and changes. */
  | { type: 'status'; status: 'QUEUED' | 'STREAMING' }
  /** The next piece of the text. */
  | { type: 'text'; text: string; sequence: number; attempt: number }
  /** The text starts again from nothing. */
  | { type: 'restarted'; attempt: number }
  /** The connection was lost; the next try follows after `delayMs`. */
  | { type: 'reconnecting'; tries: number; delayMs: number; reason: string }
  /** Listening again. What was missed follows. */
  | { type: 'reconnected' }
  | { type: 'completed'; stopReason: string | null; usage: TokenUsage | null }
  | ({ type: 'failed'; usage: TokenUsage | null } & StreamError)
  | { type: 'cancelled'; stopReason: string | null; usage: TokenUsage | null };

export function isTerminal(status: StreamStatus): status is Ending['status'] {
  return status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED';
}
