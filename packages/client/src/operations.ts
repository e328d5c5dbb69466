/** The documents. The subscription selects all that reassembly needs. */

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
