/** The documents, and the calls that send them. The subscription selects all that reassembly needs. */

import type { Transport } from './transport.js';
import type { Snapshot } from './types.js';

const USAGE = 'usage { inputTokens outputTokens totalTokens }';
const ERROR = 'error { code message retryable }';

export const START_STREAM = /* GraphQL */ `
  mutation StartStream($prompt: String!, $sessionId: String) {
    startStream(prompt: $prompt, sessionId: $sessionId) {
      sessionId
      status
    }
  }
`;

export const STOP_STREAM = /* GraphQL */ `
  mutation StopStream($sessionId: String!) {
    stopStream(sessionId: $sessionId) {
      sessionId
      status
    }
  }
`;

export const GET_STREAM = /* GraphQL */ `
  query GetStream($sessionId: String!) {
    getStream(sessionId: $sessionId) {
      status
      text
      sequence
      attempt
      stopReason
      ${USAGE}
      ${ERROR}
      waiting {
        reason
        since
      }
    }
  }
`;

export const ON_TOKEN_RECEIVED = /* GraphQL */ `
  subscription OnTokenReceived($sessionId: String!) {
    onTokenReceived(sessionId: $sessionId) {
      sessionId
      token
      isComplete
      timestamp
      sequence
      attempt
      status
      stopReason
      ${USAGE}
      ${ERROR}
    }
  }
`;

/** Sends a document over HTTP, and gives its data. */
export type Call = <T>(query: string, variables: Record<string, string>) => Promise<T>;

/** What a transport over AppSync asks beside its subscription. */
export function calls(call: Call): Pick<Transport, 'startStream' | 'stopStream' | 'getStream'> {
  return {
    async startStream(sessionId, prompt) {
      await call(START_STREAM, { sessionId, prompt });
    },
    async stopStream(sessionId) {
      await call(STOP_STREAM, { sessionId });
    },
    async getStream(sessionId) {
      const { getStream } = await call<{ getStream: Snapshot | null }>(GET_STREAM, { sessionId });
      return getStream;
    },
  };
}
