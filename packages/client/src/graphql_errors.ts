/** Why AppSync refused: in the body of an answer over HTTP, or in the payload of an error frame. */

import { errorOfType, TokencastError, type QuotaInfo } from './errors.js';

/** AppSync's own words. */
export interface Refusal {
  errorType: string;
  message: string;
  /** What else it says: of `QUOTA_EXCEEDED` the limit and its time. */
  errorInfo?: QuotaInfo;
}

/**
 * Why AppSync refused, in the payload of an error frame or the body of an answer: it says so in `errors` as a list, in
 * `errors` as one object, or by `errorType` alone.
 */
export function refusalIn(payload: unknown): Refusal | null {
  const { errors, ...alone } = (payload ?? {}) as { errors?: unknown };
  const list: unknown = Array.isArray(errors) ? errors[0] : (errors ?? alone);
  const { errorType, message, errorInfo } = (list ?? {}) as Record<string, unknown>;
  if (typeof errorType !== 'string' && typeof message !== 'string') return null;
  const said = typeof message === 'string' ? message : '';
  if (said.includes('Token expired')) return { errorType: EXPIRED, message: said };
  const info = quotaIn(errorInfo);
  return {
    errorType: typeof errorType === 'string' ? errorType : '',
    message: said,
    ...(info && { errorInfo: info }),
  };
}

/** `null` for what says nothing of a quota. */
export function quotaIn(errorInfo: unknown): QuotaInfo | null {
  const { resetsAt, limit } = (errorInfo ?? {}) as Record<string, unknown>;
  const quota = {
    ...(typeof resetsAt === 'string' && { resetsAt }),
    ...(typeof limit === 'string' && { limit }),
  };
  return Object.keys(quota).length > 0 ? quota : null;
}

/** AppSync's type for a token that it doesn't take. */
const EXPIRED = 'UnauthorizedException';

/** A token that the server takes no more, though it looks good here: a clock that is wrong, a key that is new. */
export function isStaleToken(error: unknown): boolean {
  return error instanceof TokencastError && error.errorType === EXPIRED;
}

/** What an HTTP status that is no success means; `null` for one that is. */
export function errorOfStatus(
  status: number,
  body: string,
  cause?: unknown,
): TokencastError | null {
  const said = refusalIn(parse(body));
  const message = said?.message ?? `The API answered HTTP ${status}`;
  // Whatever it says, it may pass.
  if (status === 429 || status >= 500) {
    const errorType = said?.errorType ?? `HTTP ${status}`;
    return new TokencastError('connection', message, { errorType, cause });
  }
  if (said !== null) return errorOfType(said.errorType, said.message, cause, said.errorInfo);
  if (status === 401) return errorOfType(EXPIRED, 'You are not signed in', cause);
  return status >= 400 ? errorOfType(`HTTP ${status}`, message, cause) : null;
}

/** `null` for what is no JSON. */
export function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
