/** The global `WebSocket`, which Amplify opens its sockets by and this folder wraps. */

import type { WebSocketLike } from '../globals.js';

interface PageSocket extends WebSocketLike {
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
}

interface Address {
  protocol: string;
  readonly hostname: string;
  readonly host: string;
}

interface Page {
  WebSocket: new (url: unknown, protocols?: string | string[]) => PageSocket;
  readonly URL: new (url: unknown) => Address;
}

export const page = globalThis as unknown as Page;
