/** The WebSocket that is handed in, or the machine's own. */

import { TokencastError } from './errors.js';
import { globals, type WebSocketConstructor, type WebSocketLike } from './globals.js';

export function openSocket(
  given: WebSocketConstructor | undefined,
  url: string,
  protocols?: string[],
): WebSocketLike {
  const Socket = given ?? globals.WebSocket;
  if (Socket === undefined) {
    const message = 'There is no WebSocket here: hand one in, such as that of the package `ws`';
    throw new TokencastError('refused', message, { retryable: false });
  }
  return protocols === undefined ? new Socket(url) : new Socket(url, protocols);
}
