/** What a sign-out removes from the browser. */

/** The theme is the machine's, not the user's. */
const KEPT = new Set(['tokencast.theme']);
/** Written for a moment, so that other tabs hear of a sign-out: they forget what is theirs alone. */
export const SIGNED_OUT_KEY = 'tokencast.signedOut';

/** Ours, and those of the playground's editor: its tabs, headers, history and last answers. */
const OURS = /^(tokencast\.|graphiql:)/;

/** Removes prompts, drafts, choices and what the playground has kept, of all users. Amplify removes its tokens itself. */
export function forget(storages: readonly Storage[] = [localStorage, sessionStorage]): void {
  for (const storage of storages) {
    for (const key of Object.keys(storage)) {
      if (OURS.test(key) && !KEPT.has(key)) storage.removeItem(key);
    }
  }
}
