/** The documents about sessions. Subscription and query select all that reassembly needs. */

/** Of what was used: by a session, or by a conversation. */
export const USED =
  'usage { inputTokens outputTokens totalTokens cacheReadInputTokens cacheWriteInputTokens cost }';
const GUARDRAIL = 'guardrail { action masked }';
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
      ${USED}
      ${ERROR}
      ${GUARDRAIL}
      waiting { reason since }
      conversationId
      parentId
      assistant`;

export const START_STREAM = /* GraphQL */ `
  mutation StartStream(
    $prompt: String!
    $sessionId: String
    $conversationId: String
    $parentId: String
    $assistant: String
  ) {
    startStream(
      prompt: $prompt
      sessionId: $sessionId
      conversationId: $conversationId
      parentId: $parentId
      assistant: $assistant
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
      ${USED}
      ${ERROR}
      ${GUARDRAIL}
      blockIndex
      blockType${CONTENT}
    }
  }
`;
