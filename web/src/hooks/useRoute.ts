/** Where the user is, in the address's fragment: the page may be served from any folder, by any server. */

import { useSyncExternalStore } from 'react';

export type Route = { page: 'chat'; sessionId: string | null } | { page: 'playground' };

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => window.location.hash);
  return routeOf(hash);
}

export function hrefOf(route: Route): string {
  if (route.page === 'playground') return '#/playground';
  return route.sessionId === null ? '#/' : `#/s/${route.sessionId}`;
}

export function goTo(route: Route): void {
  window.location.hash = hrefOf(route);
}

function routeOf(hash: string): Route {
  if (hash === '#/playground') return { page: 'playground' };
  const sessionId = /^#\/s\/([0-9a-f-]{36})$/i.exec(hash)?.[1] ?? null;
  return { page: 'chat', sessionId };
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => {
    window.removeEventListener('hashchange', listener);
  };
}
