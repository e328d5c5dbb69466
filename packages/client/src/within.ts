/** A limit for what somebody else answers. */

import { HERE, type Environment } from './environment.js';
import { TokencastError } from './errors.js';

/** As `promise`; but `error`, or a connection error with that message, if it takes longer. */
export async function within<T>(
  ms: number,
  promise: Promise<T>,
  error: TokencastError | string,
  { after }: Environment = HERE,
): Promise<T> {
  let done: (() => void) | undefined;
  const limit = new Promise<never>((_, reject) => {
    done = after(ms, () => {
      reject(typeof error === 'string' ? new TokencastError('connection', error) : error);
    });
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    done?.();
  }
}
