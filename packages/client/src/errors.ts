/** Everything that can go wrong between a client and its answer. */

import { RETRYABLE } from './failure_codes.js';
import type { StreamError } from './types.js';

export type TokencastErrorKind =
  /** The API refused the caller, or the caller doesn't own the session. */
  | 'unauthorized'
  /** There is no such session or conversation, or no longer. */
  | 'notFound'
  /** The API refused what was asked: `errorType` says why. */
  | 'refused'
  /** No connection, or it broke. */
  | 'connection'
  /** The connection was lost and didn't come back in time. */
  | 'gaveUp';

/** Which limit is reached, and until when, as far as the API says. */
export interface QuotaInfo {
  resetsAt?: string | null | undefined;
  limit?: string | null | undefined;
}

export interface TokencastErrorOptions {
  errorType?: string;
  /** Whether it may pass; otherwise that follows from the type. */
  retryable?: boolean;
  /** Of `QUOTA_EXCEEDED`. */
  quota?: QuotaInfo;
  cause?: unknown;
}

/** There is no way to the end of an answer, or a call was refused. `kind` says what to do about it. */
export class TokencastError extends Error {
  override readonly name = 'TokencastError';
  readonly kind: TokencastErrorKind;
  /** In AppSync's words, without what it puts before `#`; elsewhere the code. */
  readonly errorType: string | null;
  /** Of `QUOTA_EXCEEDED`: when it may be tried again. ISO 8601, UTC. */
  readonly resetsAt: string | null;
  /** Of `QUOTA_EXCEEDED`: the limit, such as `startsPerDay`. */
  readonly limit: string | null;
  readonly #retryable: boolean | null;

  constructor(kind: TokencastErrorKind, message: string, options: TokencastErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.errorType = options.errorType === '' ? null : (options.errorType ?? null);
    this.resetsAt = options.quota?.resetsAt ?? null;
    this.limit = options.quota?.limit ?? null;
    this.#retryable = options.retryable ?? null;
  }

  /** Whether trying the same again may help. */
  get transient(): boolean {
    switch (this.kind) {
      case 'connection':
        return true;
      case 'refused':
        return this.#retryable ?? isTransientType(this.errorType ?? '');
      case 'unauthorized':
      case 'notFound':
      case 'gaveUp':
        return false;
    }
  }
}

/** From what AppSync says: an error of an answer's `errors`, or of a refused subscription. */
export function errorOfType(
  errorType: string,
  message: string,
  cause?: unknown,
  quota?: QuotaInfo,
): TokencastError {
  const name = errorType.slice(errorType.lastIndexOf('#') + 1);
  return new TokencastError(kindOf(name), message || name || 'The request was refused', {
    errorType: name,
    cause,
    ...(quota && { quota }),
  });
}

/** From what the channels without GraphQL say. */
export function errorOfCode({ code, message, retryable, ...quota }: StreamError): TokencastError {
  return new TokencastError(kindOf(code), message, { errorType: code, retryable, quota });
}

function kindOf(name: string): TokencastErrorKind {
  if (UNAUTHORIZED.has(name)) return 'unauthorized';
  return NOT_FOUND.has(name) ? 'notFound' : 'refused';
}

export function asTokencastError(error: unknown): TokencastError {
  if (error instanceof TokencastError) return error;
  return new TokencastError('connection', reasonOf(error), { cause: error });
}

/** What an error says. Node's `fetch` says only in its cause which address failed, and why. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== 'fetch failed') return error.message;
  const { message, code } = (error.cause ?? {}) as { message?: unknown; code?: unknown };
  // Of a host with several addresses, all of which failed, there is only the code.
  const [why] = [message, code].filter((said) => typeof said === 'string' && said !== '');
  return typeof why === 'string' ? `${error.message}: ${why}` : error.message;
}

const UNAUTHORIZED = new Set([
  'Unauthorized',
  'UnauthorizedException',
  'SignedOut',
  'UNAUTHORIZED',
  'AccessDeniedException',
  'NotAuthorizedException',
]);

const NOT_FOUND = new Set(['CONVERSATION_NOT_FOUND', 'CONVERSATION_DELETED']);

/** AppSync's own passing troubles: quotas, and time-outs. */
const TRANSIENT = new Set([
  'MaxSubscriptionsReachedError',
  'LimitExceededError',
  'LimitExceededException',
  'ThrottlingException',
  'TooManyRequestsException',
  'ExecutionTimeout',
  'InternalFailure',
  'InternalFailureException',
]);

/** A resolver's function that was throttled, timed out or broke: `Lambda:Unhandled`, `Sandbox.Timedout`, `Runtime.ExitError`. */
const FUNCTION_BROKE = /^(Lambda:|Sandbox\.|Runtime\.)/;

function isTransientType(errorType: string): boolean {
  return RETRYABLE[errorType] ?? (FUNCTION_BROKE.test(errorType) || TRANSIENT.has(errorType));
}
