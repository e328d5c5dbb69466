/** Questions that come back as a page has read them: they are no new ones. */

import type { ConversationTurns } from '../conversation.js';
import { againOf } from './ids.js';

const QUESTION = 'question-';

/** The id of the message with a session's question. */
export function questionIdOf(sessionId: string): string {
  return QUESTION + sessionId;
}

/** The session whose question has this id; `null` for an id that a page has made. */
export function sessionOfQuestion(messageId: string): string | null {
  return messageId.startsWith(QUESTION) ? messageId.slice(QUESTION.length) : null;
}

export interface ReadBack {
  sessionId: string;
  /** Whether it was started already. Otherwise those before it have failed or were stopped. */
  isStarted: boolean;
}

/** The session of such a question now; `null` if the chat has none with this text. */
export function readBack(
  { turns }: Pick<ConversationTurns, 'turns'>,
  named: string,
  prompt: string,
): ReadBack | null {
  const known = new Map(turns.map((turn) => [turn.sessionId, turn]));
  const first = known.get(named);
  if (first?.prompt !== prompt || first.stream === null) return null;
  let sessionId = named;
  for (;;) {
    const status = known.get(sessionId)?.stream?.status;
    if (status !== 'FAILED' && status !== 'CANCELLED')
      return { sessionId, isStarted: known.has(sessionId) };
    sessionId = againOf(sessionId);
  }
}
