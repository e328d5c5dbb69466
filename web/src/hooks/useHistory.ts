/** The sessions that a user has started from this browser: the API keeps answers, but no list of them, and no prompts. */

import { useMemo, useSyncExternalStore } from 'react';

export interface PastSession {
  sessionId: string;
  prompt: string;
  /** Milliseconds since the epoch. */
  askedAt: number;
  /** The API isn't known to have it yet. */
  unsent?: boolean;
}

export interface History {
  sessions: readonly PastSession[];
  /** Adds a question that isn't sent yet. */
  add: (sessionId: string, prompt: string) => void;
  sent: (sessionId: string) => void;
  remove: (sessionId: string) => void;
}

const MOST = 50;
const listeners = new Set<() => void>();
const cache = new Map<string, { written: string | null; sessions: readonly PastSession[] }>();

/** Several tabs of one user share the list. */
export function useHistory(userId: string): History {
  const key = `tokencast.sessions.${userId}`;
  const sessions = useSyncExternalStore(subscribe, () => read(key));
  return useMemo(
    () => ({
      sessions,
      add: (sessionId, prompt) => {
        const session = { sessionId, prompt, askedAt: Date.now(), unsent: true };
        write(key, [session, ...read(key).filter((other) => other.sessionId !== sessionId)]);
      },
      sent: (sessionId) => {
        const list = read(key);
        if (list.some((one) => one.sessionId === sessionId && one.unsent === true)) {
          write(
            key,
            list.map(({ unsent, ...one }) =>
              unsent === true && one.sessionId !== sessionId ? { ...one, unsent } : one,
            ),
          );
        }
      },
      remove: (sessionId) => {
        write(
          key,
          read(key).filter((other) => other.sessionId !== sessionId),
        );
      },
    }),
    [key, sessions],
  );
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', listener);
  };
}

function read(key: string): readonly PastSession[] {
  const written = localStorage.getItem(key);
  const cached = cache.get(key);
  if (cached?.written === written) return cached.sessions;
  const sessions = parse(written);
  cache.set(key, { written, sessions });
  return sessions;
}

function write(key: string, sessions: PastSession[]): void {
  try {
    localStorage.setItem(key, JSON.stringify(sessions.slice(0, MOST)));
  } catch {
    // Full, or forbidden: the list is a convenience.
  }
  for (const listener of listeners) listener();
}

function parse(written: string | null): readonly PastSession[] {
  try {
    const list: unknown = JSON.parse(written ?? '[]');
    return Array.isArray(list) ? list.filter(isPastSession) : [];
  } catch {
    return [];
  }
}

function isPastSession(value: unknown): value is PastSession {
  const { sessionId, prompt, askedAt } = (value ?? {}) as Record<string, unknown>;
  return typeof sessionId === 'string' && typeof prompt === 'string' && typeof askedAt === 'number';
}
