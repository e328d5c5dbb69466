/** What went wrong, from what Amplify throws: mostly a GraphQL answer with errors, whose cause may be an HTTP answer. */

import { asTokencastError, errorOfType, TokencastError } from './errors';

export function errorOf(thrown: unknown): TokencastError {
  const [first] = (thrown as { errors?: GraphqlError[] } | null)?.errors ?? [];
  if (!first) return signedOut(thrown) ?? asTokencastError(thrown);
  if (first.errorType) return errorOfType(first.errorType, first.message, thrown);
  return (
    httpError(first, thrown) ??
    refusedSubscription(first.message, thrown) ??
    signedOut(first.originalError) ??
    new TokencastError('connection', first.message, { cause: thrown })
  );
}

interface GraphqlError {
  message: string;
  errorType?: string;
  originalError?: { name?: string; response?: { statusCode?: number; body?: string } };
}

export interface Refusal {
  errorType: string;
  message: string;
}

/**
 * Why AppSync refused, in the payload of an error frame or the body of an answer: it says so in `errors` as a list, in
 * `errors` as one object, or by `errorType` alone.
 */
export function refusalIn(payload: unknown): Refusal | null {
  const { errors, ...alone } = (payload ?? {}) as { errors?: unknown };
  const list: unknown = Array.isArray(errors) ? errors[0] : (errors ?? alone);
  const { errorType, message } = (list ?? {}) as Record<string, unknown>;
  if (typeof errorType !== 'string' && typeof message !== 'string') return null;
  const said = typeof message === 'string' ? message : '';
  if (said.includes('Token expired')) return { errorType: EXPIRED, message: said };
  return { errorType: typeof errorType === 'string' ? errorType : '', message: said };
}

/** AppSync's type for a token that it doesn't take. */
const EXPIRED = 'UnauthorizedException';

/** A token that the server takes no more, though it looks good here: a clock that is wrong, a key that is new. */
export function isStaleToken(error: unknown): boolean {
  return error instanceof TokencastError && error.errorType === EXPIRED;
}

/** Amplify puts the payload of a refused subscription's frame, or the type alone, behind these words. */
const CONNECTION_FAILED = 'Connection failed: ';

function refusedSubscription(message: string, cause: unknown): TokencastError | null {
  // Amplify's own word for an error that it recognised as one of authorization.
  if (message === 'Unauthorized') return errorOfType('Unauthorized', message, cause);
  if (!message.startsWith(CONNECTION_FAILED)) return null;
  const said = message.slice(CONNECTION_FAILED.length);
  if (!said.startsWith('{')) return errorOfType(said, said, cause);
  const refusal = refusalIn(parse(said));
  const unsaid = 'The subscription was refused without a reason';
  return refusal === null
    ? new TokencastError('connection', unsaid, { cause })
    : errorOfType(refusal.errorType, refusal.message, cause);
}

function httpError({ originalError }: GraphqlError, cause: unknown): TokencastError | null {
  const { statusCode = 0, body } = originalError?.response ?? {};
  const said = refusalIn(parse(body ?? ''));
  const message = said?.message ?? `The API answered HTTP ${statusCode}`;
  // Whatever it says, it may pass.
  if (statusCode === 429 || statusCode >= 500) {
    const errorType = said?.errorType ?? `HTTP ${statusCode}`;
    return new TokencastError('connection', message, { errorType, cause });
  }
  if (said !== null) return errorOfType(said.errorType, said.message, cause);
  if (statusCode === 401) return errorOfType(EXPIRED, 'You are not signed in', cause);
  return statusCode >= 400 ? errorOfType(`HTTP ${statusCode}`, message, cause) : null;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

/** That there is nobody signed in, if that is what Amplify's error says. */
export function signedOut(error: unknown): TokencastError | null {
  const name = (error as { name?: string } | null | undefined)?.name ?? '';
  if (!SIGNED_OUT.test(name)) return null;
  return errorOfType('SignedOut', 'You are not signed in', error);
}

const SIGNED_OUT =
  /^(NoSignedUser|NoValidAuthTokens|UserUnAuthenticatedException|NotAuthorizedException)$/;
