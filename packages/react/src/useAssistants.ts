'use client';

/** The assistants that a question may name, for React. */

import type { Assistant, TokencastClient } from '@tokencast/client';
import { useEffect, useState } from 'react';

import { mustBeClient } from './arguments.js';
import { asStreamError } from './answer_view.js';
import { Retry } from './retry.js';

const NONE: readonly Assistant[] = [];

/**
 * The assistants in the order of their names; empty until they are read. It reads them once for each client, and again only
 * if that failed and may well succeed later.
 */
export function useAssistants(client: TokencastClient): readonly Assistant[] {
  mustBeClient(client);
  const [assistants, setAssistants] = useState(NONE);
  useEffect(() => {
    let left = false;
    const read = (): void => {
      client.assistants().then(
        (found) => {
          if (!left) setAssistants(found);
        },
        (error: unknown) => {
          if (!left && asStreamError(error).retryable) retry.schedule();
        },
      );
    };
    const retry = new Retry(read);
    read();
    return () => {
      left = true;
      retry.cancel();
    };
  }, [client]);
  return assistants;
}
