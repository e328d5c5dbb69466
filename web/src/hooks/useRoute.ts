/** Where the user is, in the address's fragment: the page may be served from any folder, by any server. */

import { useSyncExternalStore } from 'react';

export type Route =
  /** Without an id, where a conversation begins. */
  { page: 'chat'; conversationId: string | null } | { page: 'playground' };

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => window.location.hash);
  return routeOf(hash);
}

export function hrefOf(route: Route): string {
  if (route.page === 'playground') return '#/playground';
  return route.conversationId === null ? '#/' : `#/c/${route.conversationId}`;
}

/**
 * The same place by its fragment, for an address that names the playground by its path; `null` for all others. A server
 * that answers `/playground` with the page itself needs it.
 */
export function canonicalAddress({ pathname, search, hash }: Location | URL): string | null {
  const folder = /^(.*\/)playground\/?$/.exec(pathname)?.[1];
  if (folder === undefined) return null;
  return folder + search + (hash === '' ? hrefOf({ page: 'playground' }) : hash);
}

export function goTo(route: Route): void {
  window.location.hash = hrefOf(route);
}

export function routeOf(hash: string): Route {
  if (hash === '#/playground') return { page: 'playground' };
  // The API knows an id in small letters.
  const id = /^#\/c\/([0-9a-f-]{36})$/i.exec(hash)?.[1] ?? null;
  return { page: 'chat', conversationId: id?.toLowerCase() ?? null };
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => {
    window.removeEventListener('hashchange', listener);
  };
}
