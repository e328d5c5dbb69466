/**
 * Lets Amplify reach a local stack's real-time endpoint over plain HTTP.
 *
 * Amplify turns any endpoint that isn't AWS's into `wss://`, also `http://localhost:4680/graphql`, and offers no way to
 * say otherwise. A page could only follow with a certificate that the browser trusts.
 */

import { page } from './page_socket.js';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** From now on, `wss://` to this machine's `endpoint` goes out as `ws://`. Any other URL stays as it is. */
export function allowLocalWebSocket(endpoint: string): void {
  const { protocol, hostname, host } = new page.URL(endpoint);
  if (protocol !== 'http:' || !LOOPBACK.has(hostname)) return;
  const Original = page.WebSocket;
  page.WebSocket = class extends Original {
    constructor(url: unknown, protocols?: string | string[]) {
      const target = new page.URL(url);
      if (target.protocol === 'wss:' && target.host === host) target.protocol = 'ws:';
      super(target, protocols);
    }
  };
}
