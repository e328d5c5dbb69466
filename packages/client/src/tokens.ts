/** Where the token comes from that each channel carries. */

import { isFunction, mustBe } from './arguments.js';
import { Backoff } from './backoff.js';
import { TOKENS_RETRY_FIRST_MS, TOKENS_RETRY_MAX_MS, TOKENS_TRIES } from './bounds.js';
import { asTokencastError, TokencastError } from './errors.js';
import { globals } from './globals.js';

/**
 * A JWT of the user pool; with `refresh`, a new one, as the last was refused.
 *
 * If it fails three times within a second, that is the error `unauthorized` with the `errorType` `NoToken`, over each delivery;
 * but a `fetch` of it that fails is a lost connection, and waited out like any. A `TokencastError` that it throws is told as it is.
 */
export type Tokens = (refresh?: boolean) => Promise<string>;

/**
 * The same, asked again if it fails for a moment.
 *
 * @throws `TypeError` if it is no function
 */
export function tokensFrom(tokens: Tokens): Tokens {
  mustBe(isFunction(tokens), 'tokens', tokens, 'a function that gives the token of the user');
  return async (refresh) => {
    const retry = new Backoff(TOKENS_RETRY_FIRST_MS, TOKENS_RETRY_MAX_MS);
    for (;;) {
      let token: unknown;
      try {
        token = await tokens(refresh);
      } catch (error) {
        if (error instanceof TokencastError) throw error;
        const pause = retry.next();
        if (retry.tries >= TOKENS_TRIES) throw failed(error);
        await new Promise<void>((resolve) => globals.setTimeout(resolve, pause));
        continue;
      }
      return sendable(token);
    }
  };
}

function failed(cause: unknown): TokencastError {
  const message = `\`tokens\` failed: ${asTokencastError(cause).message}`;
  // Once there is a network it may go well.
  return isOfNetwork(cause)
    ? new TokencastError('connection', message, { cause })
    : noToken(message, cause);
}

function isOfNetwork(error: unknown): boolean {
  if (globals.navigator?.onLine === false) return true;
  return error instanceof TypeError && FETCH_FAILED.test(error.message);
}

/** What `fetch` says without a network: Node's, Chrome's, Firefox's, Safari's, React Native's. */
const FETCH_FAILED =
  /^(fetch failed|Failed to fetch|NetworkError when attempting|Load failed|Network request failed)/;

/** What a header and an address can carry. The token itself isn't shown. */
function sendable(token: unknown): string {
  if (typeof token !== 'string') {
    const given = token === null ? 'null' : typeof token;
    throw noToken(`\`tokens\` gave ${given}, expected a JWT as a string`);
  }
  if (/^[\x20-\x7e]+$/.test(token)) return token;
  const what =
    token === ''
      ? 'an empty string'
      : 'a string with a line break, or with characters beyond ASCII';
  throw noToken(`\`tokens\` gave ${what}, expected a JWT`);
}

function noToken(message: string, cause?: unknown): TokencastError {
  return new TokencastError('unauthorized', message, { errorType: 'NoToken', cause });
}

/** Whose token it is: the `sub` of a JWT. The server verifies it; this only reads it. */
export function subjectOf(jwt: string): string {
  try {
    const [, payload = ''] = jwt.split('.');
    const base64 = payload.replaceAll('-', '+').replaceAll('_', '/');
    const { sub } = JSON.parse(globals.atob(base64)) as { sub?: unknown };
    if (typeof sub === 'string' && sub !== '') return sub;
  } catch {
    // Said below.
  }
  throw noToken('The token is no JWT with a `sub`, as one of a user pool is');
}
