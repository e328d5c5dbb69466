/** A user's page: with Amplify, and with React. */

import { loadOutputs, type TokencastClient } from '@tokencast/client';
import { configure, createAmplifyClient } from '@tokencast/client/amplify';
import { useStream } from '@tokencast/react';
import type { ReactElement } from 'react';

export async function connect(): Promise<TokencastClient> {
  const api = configure(await loadOutputs());
  const stop = new AbortController();
  const client = createAmplifyClient(api, { delivery: 'url', fetch, WebSocket });
  client.streamPrompt('Why?', { signal: stop.signal });
  return client;
}

export function Answer({ client }: { client: TokencastClient }): ReactElement {
  const [answer, { ask, stop }] = useStream(client);
  return (
    <p
      onClick={() => {
        if (answer.phase === 'streaming') stop();
        else ask('Why?');
      }}
    >
      {answer.error?.message ?? answer.text}
    </p>
  );
}
