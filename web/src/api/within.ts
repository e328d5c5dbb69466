/** A limit for what somebody else answers. */

import { TokencastError } from './errors';

/** As `promise`; but `error`, or a connection error with that message, if it takes longer. */
export async function within<T>(
  ms: number,
  promise: Promise<T>,
  error: TokencastError | string,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(typeof error === 'string' ? new TokencastError('connection', error) : error);
    }, ms);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
