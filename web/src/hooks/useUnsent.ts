/** The questions of a user's that the API isn't known to have: they are kept here until it has them. */

import { useMemo, useSyncExternalStore } from 'react';

import type { Question } from '@tokencast/react';

export interface UnsentQuestion extends Question {
  conversationId: string;
  /** Milliseconds since the epoch. */
  askedAt: number;
}

export interface Unsent {
  /** The newest first. */
  questions: readonly UnsentQuestion[];
  add: (conversationId: string, question: Question) => void;
  remove: (sessionId: string) => void;
}

const MOST = 50;
const listeners = new Set<() => void>();
const cache = new Map<string, { written: string | null; questions: readonly UnsentQuestion[] }>();

/** Several tabs of one user share the list. */
export function useUnsent(userId: string): Unsent {
  const key = `tokencast.unsent.${userId}`;
  const questions = useSyncExternalStore(subscribe, () => read(key));
  return useMemo(
    () => ({
      questions,
      add: (conversationId, question) => {
        const added = { ...question, conversationId, askedAt: Date.now() };
        write(key, [added, ...without(key, question.sessionId)]);
      },
      remove: (sessionId) => {
        const rest = without(key, sessionId);
        if (rest.length < read(key).length) write(key, rest);
      },
    }),
    [key, questions],
  );
}

function without(key: string, sessionId: string): UnsentQuestion[] {
  return read(key).filter((question) => question.sessionId !== sessionId);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', listener);
  };
}

function read(key: string): readonly UnsentQuestion[] {
  const written = localStorage.getItem(key);
  const cached = cache.get(key);
  if (cached?.written === written) return cached.questions;
  const questions = parse(written);
  cache.set(key, { written, questions });
  return questions;
}

function write(key: string, questions: UnsentQuestion[]): void {
  try {
    if (questions.length === 0) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(questions.slice(0, MOST)));
  } catch {
    // Full, or forbidden: then a question that isn't sent is lost with a reload.
  }
  for (const listener of listeners) listener();
}

function parse(written: string | null): readonly UnsentQuestion[] {
  try {
    const list: unknown = JSON.parse(written ?? '[]');
    return Array.isArray(list) ? list.filter(isQuestion) : [];
  } catch {
    return [];
  }
}

function isQuestion(value: unknown): value is UnsentQuestion {
  const { conversationId, sessionId, parentId, prompt, assistant, askedAt } = (value ??
    {}) as Record<string, unknown>;
  const ids = [conversationId, sessionId, parentId ?? '', prompt, assistant ?? ''];
  return ids.every((id) => typeof id === 'string') && typeof askedAt === 'number';
}
