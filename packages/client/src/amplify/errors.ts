/** What went wrong, from what Amplify throws: mostly a GraphQL answer with errors, whose cause may be an HTTP answer. */

import { asTokencastError, errorOfType, TokencastError } from '../errors.js';
import { errorOfStatus, parse, quotaIn, refusalIn } from '../graphql_errors.js';

/** The same error in the client's words. */
export function errorOf(thrown: unknown): TokencastError {
  const [first] = (thrown as { errors?: GraphqlError[] } | null)?.errors ?? [];
  if (!first) return signedOut(thrown) ?? asTokencastError(thrown);
  if (first.errorType) {
    const quota = quotaIn(first.errorInfo) ?? undefined;
    return errorOfType(first.errorType, first.message, thrown, quota);
  }
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
  errorInfo?: unknown;
  originalError?: { name?: string; response?: { statusCode?: number; body?: string } };
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
  return errorOfStatus(statusCode, body ?? '', cause);
}

/** That there is nobody signed in, if that is what Amplify's error says. */
export function signedOut(error: unknown): TokencastError | null {
  const name = (error as { name?: string } | null | undefined)?.name ?? '';
  if (!SIGNED_OUT.test(name)) return null;
  return errorOfType('SignedOut', 'You are not signed in', error);
}

const SIGNED_OUT =
  /^(NoSignedUser|NoValidAuthTokens|UserUnAuthenticatedException|NotAuthorizedException)$/;
