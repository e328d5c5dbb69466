/**
 * Ids that a page makes are mapped, not trusted: the same words of the same user are the same conversation and the same session,
 * and nobody else's. docs/PROTOCOL.md, "From the AI SDK", says how, for programs in other languages.
 */

import { v5 } from 'uuid';

/** Of all names here. */
const NAMESPACE = '5bb4e6cf-7c39-5f6e-9b3a-3f0c6a3b8d51';

/** The conversation of a chat. */
export function conversationIdOf(owner: string, chatId: string): string {
  return idOf('conversation', owner, chatId);
}

/** The session of a question that was submitted. Other words under the same message's id are another one. */
export function sessionIdOf(
  owner: string,
  chatId: string,
  messageId: string,
  texts: readonly string[],
): string {
  return idOf('session', owner, chatId, messageId, ...texts);
}

/** The session of a question that is asked anew, because its session failed or was stopped. */
export function againOf(endedSessionId: string): string {
  return idOf('again', endedSessionId);
}

function idOf(...names: string[]): string {
  return v5(JSON.stringify(names), NAMESPACE);
}
