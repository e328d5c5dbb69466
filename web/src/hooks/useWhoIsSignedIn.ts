/**
 * Keeps a page true to who is signed in: another tab may sign out, or sign in as another user, and from then on this page's
 * requests are theirs.
 */

import { getCurrentUser } from 'aws-amplify/auth';
import { Hub } from 'aws-amplify/utils';
import { useEffect, useSyncExternalStore } from 'react';

import { forget, SIGNED_OUT_KEY } from './forget';
import { goTo } from './useRoute';

/** Amplify's, of the user pool. */
const TOKENS = 'CognitoIdentityServiceProvider.';

/** Begins the page anew when it is no longer this user's. */
export function useWhoIsSignedIn(userId: string): void {
  useEffect(() => {
    const onStorage = ({ key, newValue }: StorageEvent): void => {
      if (key === SIGNED_OUT_KEY && newValue !== null) leave();
      else if (key === null || key.startsWith(TOKENS)) void look(userId);
    };
    window.addEventListener('storage', onStorage);
    return () => {
      window.removeEventListener('storage', onStorage);
    };
  }, [userId]);
}

async function look(userId: string): Promise<void> {
  const now = await whoIsSignedIn(userId);
  if (now === userId) return;
  // Whose sign-in has merely expired comes back to the same address, and to what they were writing.
  if (now !== null) leave();
  window.location.reload();
}

/** `null`: nobody. Without a network an expired token can't be renewed, which doesn't mean that nobody is there. */
async function whoIsSignedIn(before: string): Promise<string | null> {
  try {
    return (await getCurrentUser()).userId;
  } catch (error) {
    const isNobody = (error as { name?: string }).name === 'UserUnAuthenticatedException';
    return isNobody ? null : before;
  }
}

/** What this tab alone has. */
function leave(): void {
  forget([sessionStorage]);
  goTo({ page: 'chat', conversationId: null });
}

let expired = false;
const listeners = new Set<() => void>();

function setExpired(now: boolean): void {
  expired = now;
  for (const listener of listeners) listener();
}

// From the page's first moment, since the form is shown by the same event.
Hub.listen('auth', ({ payload }) => {
  const { event } = payload;
  if (event === 'signedIn') setExpired(false);
  if (event !== 'tokenRefresh_failure') return;
  const { error } = (payload as { data?: { error?: { name?: string } } }).data ?? {};
  // Without a network nothing has expired.
  if (error?.name !== 'NetworkError') setExpired(true);
});

/** Whether the last user is signed out only because their sign-in has expired. */
export function useHasExpired(): boolean {
  return useSyncExternalStore(subscribe, () => expired);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}
