/** Where the token comes from that each channel carries. */

import { TokencastError } from './errors.js';
import { globals } from './globals.js';

/** A JWT of the user pool; with `refresh`, a new one, as the last was refused. */
export type Tokens = (refresh?: boolean) => Promise<string>;

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
  const message = 'The token is no JWT with a `sub`, as one of a user pool is';
  throw new TokencastError('unauthorized', message);
}
