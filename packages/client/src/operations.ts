/** The documents about sessions. Subscription and query select all that reassembly needs. */

const USAGE =
  'usage { inputTokens outputTokens totalTokens cacheReadInputTokens cacheWriteInputTokens }';
const ERROR = 'error { code message retryable }';
const CONTENT = `
      reasoning
      citation { title url text }
      toolUse { toolUseId name input }
      toolResult { toolUseId status content }`;

/** Of a `Stream`: what `Snapshot` has. */
export const STREAM_FIELDS = `
      status
      text
      blocks {
        index
        type
        text${CONTENT}
      }
      reasoningMs
      sequence
      attempt
      stopReason
      ${USAGE}
      ${ERROR}
      waiting { reason since }
      conversationId
      parentId`;

export const START_STREAM = /* GraphQL */ `
  mutation StartStream(
    $prompt: String!
    $sessionId: String
    $conversationId: String
    $parentId: String
  ) {
    startStream(
      prompt: $prompt
      sessionId: $sessionId
      conversationId: $conversationId
      parentId: $parentId
    ) {
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
    getStream(sessionId: $sessionId) {${STREAM_FIELDS}
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
      blockIndex
      blockType${CONTENT}
    }
  }
`;
