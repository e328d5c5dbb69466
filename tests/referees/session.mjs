// A session in GraphQL: the operations that every client sends here, and what a whole answer looks like.
import assert from 'node:assert/strict';

export const START = /* GraphQL */ `
  mutation Start($prompt: String!, $sessionId: String) {
    startStream(prompt: $prompt, sessionId: $sessionId) {
      sessionId
      status
      message
      timestamp
      error
    }
  }
`;

/** A turn of a conversation. */
export const TURN = /* GraphQL */ `
  mutation Turn($prompt: String!, $sessionId: String!, $conversationId: String!) {
    startStream(prompt: $prompt, sessionId: $sessionId, conversationId: $conversationId) {
      sessionId
      status
      conversationId
      parentId
    }
  }
`;

const CHANGE = /* GraphQL */ `
  conversationId
  kind
  title
  sessionId
  parentId
  status
  timestamp
`;

export const CHANGES = /* GraphQL */ `
  subscription Changes($conversationId: String!) {
    onConversationUpdated(conversationId: $conversationId) { ${CHANGE} }
  }
`;

export const ALL_CHANGES = /* GraphQL */ `
  subscription AllChanges($owner: String!) {
    onConversationsUpdated(owner: $owner) { ${CHANGE} }
  }
`;

export const DELETE = /* GraphQL */ `
  mutation Delete($id: String!) {
    deleteConversation(id: $id) {
      conversationId
      timestamp
    }
  }
`;

export const STOP = /* GraphQL */ `
  mutation Stop($sessionId: String!) {
    stopStream(sessionId: $sessionId) {
      sessionId
      status
      message
    }
  }
`;

export const READ = /* GraphQL */ `
  query Read($sessionId: String!) {
    getStream(sessionId: $sessionId) {
      sessionId
      status
      text
      sequence
      attempt
      stopReason
      createdAt
      updatedAt
      usage {
        inputTokens
        outputTokens
        totalTokens
      }
      error {
        code
        message
        retryable
      }
    }
  }
`;

export const EVENTS = /* GraphQL */ `
  subscription Events($sessionId: String!) {
    onTokenReceived(sessionId: $sessionId) {
      sessionId
      token
      isComplete
      timestamp
      sequence
      attempt
      status
      stopReason
      usage {
        inputTokens
        outputTokens
        totalTokens
      }
      error {
        code
        message
        retryable
      }
    }
  }
`;

export const PUBLISH = /* GraphQL */ `
  mutation Publish($sessionId: String!, $token: String!) {
    publishToken(sessionId: $sessionId, token: $token, isComplete: false) {
      sessionId
      token
    }
  }
`;

const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

export const ended = (events) => events.find((event) => event.isComplete);

/** Every event of a session from the first to the last, with nothing missing, and the text that `getStream` has. */
export function assertWholeAnswer(events, snapshot, { sessionId, atLeast }) {
  assert.ok(events.length >= atLeast, `${events.length} events, expected ${atLeast} or more: token by token`);
  assert.deepEqual(
    events.map((event) => event.sequence),
    events.map((_, index) => index + 1),
    'sequence 1, 2, 3 …',
  );
  for (const event of events) {
    assert.equal(event.sessionId, sessionId);
    assert.equal(event.attempt, 1);
    assert.match(event.timestamp, ISO_8601);
    assert.equal(event.error, null);
  }
  const last = events.at(-1);
  for (const event of events.slice(0, -1)) {
    assert.equal(event.isComplete, false);
    assert.equal(event.status, 'STREAMING');
    assert.equal(event.stopReason, null);
    assert.equal(event.usage, null);
  }
  assert.equal(last.isComplete, true);
  assert.equal(last.status, 'COMPLETED');
  assert.equal(last.stopReason, 'end_turn');
  assertUsage(last.usage);

  assert.equal(snapshot.sessionId, sessionId);
  assert.equal(snapshot.status, 'COMPLETED');
  assert.equal(snapshot.attempt, 1);
  assert.equal(snapshot.sequence, last.sequence);
  assert.equal(snapshot.stopReason, 'end_turn');
  assert.deepEqual({ ...snapshot.usage }, { ...last.usage });
  assert.equal(snapshot.error, null);
  assert.match(snapshot.createdAt, ISO_8601);
  assert.match(snapshot.updatedAt, ISO_8601);
  assert.equal(events.map((event) => event.token).join(''), snapshot.text);
}

export function assertUsage(usage) {
  assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0, JSON.stringify(usage));
  assert.equal(usage.totalTokens, usage.inputTokens + usage.outputTokens);
}
