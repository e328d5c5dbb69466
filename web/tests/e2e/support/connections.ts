/** The page's connections, to be cut as a network that went away cuts them. */

import type { Page } from '@playwright/test';

/** Lets `dropConnections` find the page's sockets and event streams. Before the page is loaded. */
export async function watchConnections(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const cuts: (() => void)[] = [];
    Object.assign(window, { cuts });
    const Original = window.WebSocket;
    window.WebSocket = class extends Original {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        cuts.push(() => {
          this.close();
        });
      }
    };
    const original = window.fetch.bind(window);
    window.fetch = async (...request) => {
      const response = await original(...request);
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
      if (isStream !== true || response.body === null) return response;
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const cut = new AbortController();
      response.body.pipeTo(writable, { signal: cut.signal }).catch(() => undefined);
      cuts.push(() => {
        cut.abort(new TypeError('network error'));
      });
      const { status, headers } = response;
      return new Response(readable, { status, headers });
    };
  });
}

/** What the browser says of what Amplify sends over a socket that is being closed. On a quick machine it sends nothing then. */
export const SENT_WHILE_CLOSING = /already in CLOSING or CLOSED state/;

export async function dropConnections(page: Page): Promise<void> {
  await page.evaluate(() => {
    const { cuts } = window as unknown as { cuts: (() => void)[] };
    for (const cut of cuts.splice(0)) cut();
  });
}
