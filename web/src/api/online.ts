/** Calls back when the network seems to be there again; returns how to end it. */
export function onOnline(callback: () => void): () => void {
  // In Node nobody tells.
  if (typeof window === 'undefined') return () => undefined;
  window.addEventListener('online', callback);
  return () => {
    window.removeEventListener('online', callback);
  };
}
