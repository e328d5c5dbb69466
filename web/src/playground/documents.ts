/** The documents of the examples. */

export const SUBSCRIBE = `# 1. Subscribe first, so that no token is missed.
# Then start the answer in a second window:
# changing tabs here ends the subscription.
subscription OnTokenReceived($sessionId: String!) {
  onTokenReceived(sessionId: $sessionId) {
    attempt
    sequence
    token
    blockIndex
    blockType
    reasoning
    citation { title url text }
    toolUse { toolUseId name input }
    toolResult { toolUseId status content }
    isComplete
    status
    stopReason
    usage { inputTokens outputTokens cacheReadInputTokens cost }
    error { code message retryable }
    guardrail { action masked }
  }
}
`;

export const START = `# 2. Start the answer, under the id that the first
# window has subscribed to. It is a turn of a
# conversation, and continues its last one. With
# "parentId" it continues another; "assistant"
# chooses who answers.
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
    assistant
    conversationId
    parentId
    status
    message
    timestamp
  }
}
`;

export const GET = `# 3. The session as it stands, at any time.
query GetStream($sessionId: String!) {
  getStream(sessionId: $sessionId) {
    status
    text
    blocks {
      index
      type
      text
      reasoning
      citation { title url text }
      toolUse { toolUseId name input }
      toolResult { toolUseId status content }
    }
    reasoningMs
    sequence
    attempt
    stopReason
    usage {
      inputTokens
      outputTokens
      totalTokens
      cacheReadInputTokens
      cacheWriteInputTokens
      cost
    }
    error { code message retryable }
    guardrail { action masked }
    waiting { reason since }
    assistant
    conversationId
    parentId
    createdAt
    updatedAt
  }
}
`;

export const STOP = `# 4. Stop it, wherever it is.
# What it has said so far stays.
mutation StopStream($sessionId: String!) {
  stopStream(sessionId: $sessionId) {
    sessionId
    status
    message
  }
}
`;

export const LIST = `# 5. Your conversations, the newest first.
# "nextToken" of an answer brings the next page.
query Conversations($limit: Int, $nextToken: String) {
  conversations(limit: $limit, nextToken: $nextToken) {
    items {
      conversationId
      title
      turnCount
      lastSessionId
      updatedAt
    }
    nextToken
  }
}
`;

export const READ = `# 6. One conversation with its turns. It is there
# once a start has named it.
query Conversation($id: String!, $limit: Int, $nextToken: String) {
  conversation(id: $id, limit: $limit, nextToken: $nextToken) {
    title
    turnCount
    turns {
      sessionId
      parentId
      prompt
      stream { status text }
      createdAt
    }
    nextToken
  }
}
`;

export const RENAME = `# 7. Another title: 1 to 200 characters.
mutation RenameConversation($id: String!, $title: String!) {
  renameConversation(id: $id, title: $title) {
    conversationId
    title
  }
}
`;

export const EXPORT = `# 8. The whole as one document: MARKDOWN or JSON.
# Join the pieces, until "nextToken" is null.
query ExportConversation(
  $id: String!
  $format: ExportFormat!
  $nextToken: String
) {
  exportConversation(id: $id, format: $format, nextToken: $nextToken) {
    content
    nextToken
  }
}
`;

export const DELETE = `# 9. Delete it with all its answers, for good.
mutation DeleteConversation($id: String!) {
  deleteConversation(id: $id) {
    conversationId
    timestamp
  }
}
`;

const CHANGE = `
    kind
    title
    sessionId
    parentId
    status
    timestamp`;

export const HEAR_ONE = `# Hear of the changes of one conversation,
# which is there already.
subscription OnConversationUpdated($conversationId: String!) {
  onConversationUpdated(conversationId: $conversationId) {${CHANGE}
  }
}
`;

export const HEAR_ALL = `# Hear of the changes of all your conversations.
# "owner" must be your own id.
subscription OnConversationsUpdated($owner: String!) {
  onConversationsUpdated(owner: $owner) {
    conversationId${CHANGE}
  }
}
`;

export const ASSISTANTS = `# Who may answer: the names for "assistant".
query Assistants {
  assistants {
    name
    title
    description
    isDefault
    reasons
    maxTokens
  }
}
`;

export const USAGE = `# What you have used of today's quota.
query Usage {
  usage {
    day
    resetsAt
    startsPerMinute { used limit left }
    startsPerDay { used limit left }
    tokensPerDay { used limit left }
    sessionsAtOnce { used limit left }
    cost
  }
}
`;
