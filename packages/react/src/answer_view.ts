/** What a page shows of one session. */

import {
  isTerminal,
  TokencastError,
  type Block,
  type Guardrail,
  type Snapshot,
  type StreamError,
  type TokenUsage,
} from '@tokencast/client';

/** How far an answer is. */
export type Phase =
  | 'idle'
  /** The question waits in this page until there is a network to send it over. */
  | 'unsent'
  /** Subscribing, or looking for a session that is resumed. */
  | 'connecting'
  | 'queued'
  /** A worker has it, or soon will; no text yet. */
  | 'thinking'
  | 'streaming'
  | 'completed'
  | 'cancelled'
  /** The session failed, or there is no way to it: `error` says why. */
  | 'failed';

/** What to show of a session. */
export interface AnswerView {
  sessionId: string | null;
  phase: Phase;
  text: string;
  /** The whole answer: its text, and what stands in it besides. A block is the same object as long as nothing is added to it. */
  blocks: readonly Block[];
  /** How long the model has reasoned, in milliseconds; `null` if it didn't, or as long as nobody here knows. */
  reasoningMs: number | null;
  /** How much of the text was there before this page followed it. */
  knownLength: number;
  /** The API knows of the question, or refused it. */
  sent: boolean;
  /** The connection is lost for now; the phase is that of before. */
  reconnecting: boolean;
  /** A stop was asked for, and hasn't taken effect yet. */
  stopping: boolean;
  /** The answer started again from nothing this often. */
  restarts: number;
  usage: TokenUsage | null;
  stopReason: string | null;
  /** What a guardrail did to the question or its answer; `null`: nothing, as far as is known. */
  guardrail: Guardrail | null;
  /**
   * Why it failed. Its `code` is the server's, or one of ours: `PAGE` (a fault of the program's), `CONNECTION`, `UNSENT` (the
   * question isn't known to have arrived), `SIGNED_OUT`, `OTHER_USER`, `NOT_STARTED`, `NOT_FOUND`, `REFUSED`.
   */
  error: StreamError | null;
  /** From `ask` to the first text; `null` for a resumed session. */
  timeToFirstTokenMs: number | null;
}

export const IDLE: AnswerView = {
  sessionId: null,
  phase: 'idle',
  text: '',
  blocks: [],
  reasoningMs: null,
  knownLength: 0,
  sent: false,
  reconnecting: false,
  stopping: false,
  restarts: 0,
  usage: null,
  stopReason: null,
  guardrail: null,
  error: null,
  timeToFirstTokenMs: null,
};

/** Whether nothing more comes of it by itself. */
export function isOver(phase: Phase): boolean {
  return phase === 'completed' || phase === 'cancelled' || phase === 'failed' || phase === 'idle';
}

/** A session as its record has it; `null`: it is not there any more. */
export function viewOf(sessionId: string, stream: Snapshot | null): AnswerView {
  if (stream === null) {
    const message = 'There is no such answer any more';
    const error = { code: 'NOT_FOUND', message, retryable: false };
    return { ...IDLE, sessionId, sent: true, phase: 'failed', error };
  }
  const { text, reasoningMs = null, usage = null, stopReason = null, error = null } = stream;
  const { guardrail = null } = stream;
  return {
    ...IDLE,
    sessionId,
    sent: true,
    phase: phaseOf(stream),
    text,
    blocks: stream.blocks ?? (text === '' ? [] : [{ index: 0, type: 'TEXT', text }]),
    reasoningMs,
    knownLength: text.length,
    usage,
    stopReason,
    guardrail,
    error,
  };
}

function phaseOf({ status, text }: Snapshot): Phase {
  if (isTerminal(status)) return ENDS[status];
  if (status === 'STREAMING') return text === '' ? 'thinking' : 'streaming';
  return 'queued';
}

const ENDS = { COMPLETED: 'completed', CANCELLED: 'cancelled', FAILED: 'failed' } as const;

/** Nobody is signed in, the token is too old, or there is none to be had. */
const SIGNED_OUT = new Set(['SignedOut', 'UnauthorizedException', 'NoToken']);

/** Codes of our own are listed with `AnswerView`. */
export function asStreamError(error: unknown): StreamError {
  if (!(error instanceof TokencastError)) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { code: 'PAGE', message, retryable: true };
  }
  const { message, errorType, transient, resetsAt, limit } = error;
  switch (error.kind) {
    case 'unauthorized': {
      // Of the token, or of the session.
      const isOfToken = SIGNED_OUT.has(errorType ?? '');
      return { code: isOfToken ? 'SIGNED_OUT' : 'OTHER_USER', message, retryable: false };
    }
    case 'notFound': {
      const claimed = errorType === 'CLAIMED';
      const code = claimed ? 'NOT_STARTED' : (errorType ?? 'NOT_FOUND');
      return { code, message, retryable: claimed };
    }
    case 'refused':
      return {
        code: errorType ?? 'REFUSED',
        message,
        retryable: transient,
        ...(resetsAt === null ? {} : { resetsAt }),
        ...(limit === null ? {} : { limit }),
      };
    case 'connection':
    case 'gaveUp':
      return { code: 'CONNECTION', message, retryable: true };
  }
}
