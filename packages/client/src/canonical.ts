/** Ids of sessions and conversations, as they are sent. */

import { isText, mustBe } from './arguments.js';

/**
 * Capital letters name the same session or conversation, but AppSync's subscriptions compare the text with each event's id.
 *
 * @throws `TypeError` if it is no string
 */
export function canonical(id: string, name: string): string {
  mustBe(isText(id), name, id, 'a UUID');
  return id.toLowerCase();
}

/** `undefined` of one that is left out. */
export function maybeCanonical(id: string | null | undefined, name: string): string | undefined {
  return id == null ? undefined : canonical(id, name);
}
