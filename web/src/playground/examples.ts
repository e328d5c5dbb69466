/** The schema's operations, in the order in which a user needs them. All share the ids of one new session and conversation. */

import { newSessionId } from '@tokencast/client';
import {
  ASSISTANTS,
  DELETE,
  EXPORT,
  GET,
  HEAR_ALL,
  HEAR_ONE,
  LIST,
  READ,
  RENAME,
  START,
  STOP,
  SUBSCRIBE,
  USAGE,
} from './documents';

export interface Example {
  query: string;
  variables: string;
}

/** Where GraphiQL keeps its tabs, and what is in the one at the front. */
const EDITOR_KEYS = ['graphiql:tabState', 'graphiql:query', 'graphiql:variables'];
/** Shared by all windows, so that one can subscribe and another start. */
const SESSION_KEY = 'tokencast.playground.session';
const CONVERSATION_KEY = 'tokencast.playground.conversation';

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

/** Examples with new ids, and nothing of what was edited. */
export function startAnew(owner: string): Example[] {
  for (const key of [...EDITOR_KEYS, SESSION_KEY, CONVERSATION_KEY]) localStorage.removeItem(key);
  return examples(owner);
}

/** `owner`: the `sub` of the user. */
export function examples(owner: string): Example[] {
  const sessionId = keptId(SESSION_KEY);
  const id = keptId(CONVERSATION_KEY);
  const prompt = 'Why do rivers meander?';
  const all: [query: string, variables: object][] = [
    [SUBSCRIBE, { sessionId }],
    [START, { prompt, sessionId, conversationId: id }],
    [GET, { sessionId }],
    [STOP, { sessionId }],
    [LIST, { limit: 20 }],
    [READ, { id, limit: 20 }],
    [RENAME, { id, title: 'Rivers' }],
    [EXPORT, { id, format: 'MARKDOWN' }],
    [DELETE, { id }],
    [HEAR_ONE, { conversationId: id }],
    [HEAR_ALL, { owner }],
    [ASSISTANTS, {}],
    [USAGE, {}],
  ];
  return all.map(([query, variables]) => ({
    query,
    variables: JSON.stringify(variables, null, 2),
  }));
}

/** Made once, and shared by all windows. */
function keptId(key: string): string {
  const id = localStorage.getItem(key) ?? newSessionId();
  localStorage.setItem(key, id);
  return id;
}
