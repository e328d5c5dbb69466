/** The conversation that is shown: that of the address, or one that its first question will begin. */

import { useState } from 'react';

import { newSessionId } from '@tokencast/client';

interface Shown {
  conversationId: string;
  /** Nobody has used the id before this page. */
  isNew: boolean;
}

/** A new id each time that the address names no conversation any more. */
export function useConversationId(routed: string | null): Shown {
  const [fresh, setFresh] = useState(newSessionId);
  const [before, setBefore] = useState(routed);
  if (before !== routed) {
    setBefore(routed);
    if (routed === null) setFresh(newSessionId());
  }
  return { conversationId: routed ?? fresh, isNew: routed === null || routed === fresh };
}
