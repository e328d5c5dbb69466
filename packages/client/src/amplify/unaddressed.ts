/**
 * Error frames of AppSync's that name no subscription: `"id": ""`, or no id at all. Amplify drops them, so that its sockets are
 * listened to beside it.
 */

import { refusalIn, type Refusal } from '../graphql_errors.js';
import { page } from './page_socket.js';

type Told = (refusal: Refusal) => void;

const listeners = new Set<Told>();
const watched = new WeakSet();

/** Returns how to end it. */
export function onUnaddressedError(told: Told): () => void {
  listeners.add(told);
  return () => {
    listeners.delete(told);
  };
}

/** Listens to all sockets with AppSync's protocol that are opened from now on. */
export function watchSockets(): void {
  const Original = page.WebSocket as typeof page.WebSocket | undefined;
  if (!Original || watched.has(Original)) return;
  page.WebSocket = class extends Original {
    constructor(url: unknown, protocols?: string | string[]) {
      super(url, protocols);
      const [protocol] = Array.isArray(protocols) ? protocols : [protocols];
      if (protocol !== 'graphql-ws') return;
      this.addEventListener('message', ({ data }) => {
        const refusal = unaddressed(data);
        if (refusal) for (const told of [...listeners]) told(refusal);
      });
    }
  };
  watched.add(page.WebSocket);
}

/** Within a token quotes are escaped, so that few frames are parsed here. */
const ERROR_FRAME = /"type"\s*:\s*"error"/;

function unaddressed(data: unknown): Refusal | null {
  if (typeof data !== 'string' || !ERROR_FRAME.test(data)) return null;
  try {
    const { type, id = '', payload } = JSON.parse(data) as Frame;
    if (type !== 'error' || id !== '') return null;
    return (
      refusalIn(payload) ?? { errorType: '', message: 'AppSync sent an error without a reason' }
    );
  } catch {
    return null;
  }
}

interface Frame {
  type?: string;
  id?: string;
  payload?: unknown;
}
