/** A transport of either flavour as the engine sees it, for one session. */

import type { Environment } from './environment.js';
import type {
  Ask,
  Connection,
  ConnectionListener,
  InConversation,
  ReplayTransport,
  Transport,
} from './transport.js';
import type { Snapshot } from './types.js';

export interface Channel {
  readonly flavour: 'snapshot' | 'replay';
  /** Connects once. A channel with snapshots only subscribes; one that replays asks. */
  readonly connect: (ask: Ask, listener: ConnectionListener) => Connection;
  /** Starts by a call, where a connection doesn't. */
  readonly startStream: (prompt: string, turn: InConversation) => Promise<void>;
  readonly getStream: () => Promise<Snapshot | null>;
  readonly stopStream: () => Promise<void>;
  readonly onOnline: Environment['onOnline'];
  /** How long to stay unconnected, for the next connection to be a new one. */
  readonly freshAfterMs: number;
}

export function bySnapshots(transport: Transport, sessionId: string): Channel {
  return {
    flavour: 'snapshot',
    connect: (_, { answered, event, lost }) => {
      const established = (): void => {
        answered(null);
      };
      return { close: transport.subscribe(sessionId, { established, event, lost }) };
    },
    startStream: (prompt, turn) => transport.startStream(sessionId, prompt, turn),
    getStream: () => transport.getStream(sessionId),
    stopStream: () => transport.stopStream(sessionId),
    onOnline: (callback) => transport.onOnline(callback),
    freshAfterMs: transport.freshAfterMs ?? 0,
  };
}

/** `getStream` reads the record, where the transport itself can't be asked. */
export function byReplay(
  transport: ReplayTransport,
  sessionId: string,
  getStream: (sessionId: string) => Promise<Snapshot | null>,
  environment: Environment,
): Channel {
  return {
    flavour: 'replay',
    connect: (ask, listener) => transport.open(sessionId, ask, listener),
    startStream: () => Promise.reject(new TypeError('a connection starts the session')),
    getStream: () => getStream(sessionId),
    stopStream: () => transport.stopStream(sessionId),
    onOnline: environment.onOnline,
    freshAfterMs: 0,
  };
}
