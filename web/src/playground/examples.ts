/** The schema's operations, in the order in which a session uses them. All share the id of one new session. */

import { newSessionId } from '../api';

export interface Example {
  query: string;
  variables: string;
}

export function examples(): Example[] {
  const sessionId = newSessionId();
  const variables = JSON.stringify({ sessionId }, null, 2);
  return [
    { query: SUBSCRIBE, variables },
    {
      query: START,
      variables: JSON.stringify({ prompt: 'Why do rivers meander?', sessionId }, null, 2),
    },
    { query: GET, variables },
    { query: STOP, variables },
  ];
}

const SUBSCRIBE = `# 1. Subscribe first, so that no token is missed; then run the next tab.
subscription OnTokenReceived($sessionId: String!) {
  onTokenReceived(sessionId: $sessionId) {
    attempt
    sequence
    token
    isComplete
    status
    stopReason
    usage { inputTokens outputTokens }
    error { code message retryable }
  }
}
`;

const START = `# 2. Start the answer, under the id that the first tab subscribed to.
mutation StartStream($prompt: String!, $sessionId: String) {
  startStream(prompt: $prompt, sessionId: $sessionId) {
    sessionId
    status
    message
    timestamp
  }
}
`;

const GET = `# 3. The session as it stands, at any time.
query GetStream($sessionId: String!) {
  getStream(sessionId: $sessionId) {
    status
    text
    sequence
    attempt
    stopReason
    usage { inputTokens outputTokens totalTokens }
    error { code message retryable }
    createdAt
    updatedAt
  }
}
`;

const STOP = `# 4. Stop it, wherever it is. What it has said so far stays.
mutation StopStream($sessionId: String!) {
  stopStream(sessionId: $sessionId) {
    sessionId
    status
    message
  }
}
`;
