/** The schema's operations, in the order in which a session uses them. All share the id of one new session. */

import { newSessionId } from '@tokencast/client';

export interface Example {
  query: string;
  variables: string;
}

/** Where GraphiQL keeps its tabs, and what is in the one at the front. */
const EDITOR_KEYS = ['graphiql:tabState', 'graphiql:query', 'graphiql:variables'];
/** Shared by all windows, so that one can subscribe and another start. */
const SESSION_KEY = 'tokencast.playground.session';

/**
 * What GraphiQL is to show at first: its tab of last time, or the first example. It keeps its tabs, but fills the editor
 * of variables only if it is told with what.
 */
export function initialEditor(tabs: Example[]): {
  initialQuery?: string;
  initialVariables?: string;
} {
  const tab = lastTab() ?? tabs[0];
  if (!tab?.query || !tab.variables) return {};
  return { initialQuery: tab.query, initialVariables: tab.variables };
}

function lastTab(): Partial<Example> | undefined {
  try {
    const state = JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{}') as {
      activeTabIndex?: number;
      tabs?: Partial<Example>[];
    };
    return state.tabs?.[state.activeTabIndex ?? 0];
  } catch {
    return undefined;
  }
}

/** Examples with a new id, and nothing of what was edited. */
export function startAnew(): Example[] {
  for (const key of [...EDITOR_KEYS, SESSION_KEY]) localStorage.removeItem(key);
  return examples();
}

export function examples(): Example[] {
  const sessionId = localStorage.getItem(SESSION_KEY) ?? newSessionId();
  localStorage.setItem(SESSION_KEY, sessionId);
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

const SUBSCRIBE = `# 1. Subscribe first, so that no token is missed.
# Then start the answer in a second window:
# changing tabs here ends the subscription.
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

const START = `# 2. Start the answer, under the id that the first
# window has subscribed to.
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
    waiting { reason since }
    createdAt
    updatedAt
  }
}
`;

const STOP = `# 4. Stop it, wherever it is.
# What it has said so far stays.
mutation StopStream($sessionId: String!) {
  stopStream(sessionId: $sessionId) {
    sessionId
    status
    message
  }
}
`;
