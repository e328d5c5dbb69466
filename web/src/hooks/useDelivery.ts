/** Over which delivery questions are answered: as the user said last, if this API has it. */

import { useCallback, useSyncExternalStore } from 'react';

import type { Delivery } from '@tokencast/client';

const KEY = 'tokencast.delivery';
const listeners = new Set<() => void>();

export function useDelivery(
  deliveries: readonly Delivery[],
): [Delivery, (delivery: Delivery) => void] {
  const chosen = useSyncExternalStore(subscribe, read);
  const choose = useCallback((delivery: Delivery) => {
    try {
      localStorage.setItem(KEY, delivery);
    } catch {
      // Full, or forbidden: then it is AppSync again next time.
    }
    for (const listener of listeners) listener();
  }, []);
  return [deliveries.find((delivery) => delivery === chosen) ?? 'appsync', choose];
}

function read(): string | null {
  return localStorage.getItem(KEY);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', listener);
  };
}
