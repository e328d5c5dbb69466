/** Why an answer doesn't come: asked of its record, for no event says so. */

import { useEffect, useState } from 'react';

import type { Snapshot, TokencastClient, Waiting } from '@tokencast/client';
import { isOver, type AnswerView } from '@tokencast/react';
import { progressOf } from '../conversation/progress';

/** A state that lasts so long is looked into, and again as often. */
const LOOK_AFTER_MS = 3_000;
const AGAIN_MS = 10_000;

export interface Held {
  /** No worker has it. */
  queued: boolean;
  /** What holds it up, if that is known. */
  waiting: Waiting | null;
}

/** `null` while nothing is known to hold it up. */
export function useWaiting(client: TokencastClient, answer: AnswerView): Held | null {
  const { sessionId, phase, sent, reconnecting } = answer;
  const looks = sessionId !== null && sent && !isOver(phase) && !reconnecting;
  const state = looks ? `${sessionId} ${progressOf(answer)}` : null;
  const [found, setFound] = useState<{ state: string; held: Held | null } | null>(null);
  useEffect(() => {
    if (state === null || sessionId === null) return undefined;
    let left = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      const snapshot = await client.getStream(sessionId).catch(() => null);
      if (left) return;
      if (snapshot !== null) setFound({ state, held: heldUp(snapshot) });
      later(AGAIN_MS);
    };
    const later = (ms: number): void => {
      timer = setTimeout(() => {
        void look();
      }, ms);
    };
    later(LOOK_AFTER_MS);
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [client, sessionId, state]);
  return found !== null && found.state === state ? found.held : null;
}

function heldUp({ status, waiting }: Snapshot): Held | null {
  const queued = status === 'QUEUED';
  return queued || waiting ? { queued, waiting: waiting ?? null } : null;
}
