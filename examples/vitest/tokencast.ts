/** A local stack for a test file, and a client for one of its users. */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { apiOf, createClient, loadOutputs, type TokencastClient } from '@tokencast/client';
import { test as base } from 'vitest';
import WebSocket from 'ws';

interface Ready {
  url: string;
  controlUrl: string;
  cognitoEndpoint: string;
  userPoolClientId: string;
  users: { username: string; password: string }[];
}

export interface Stack extends Ready {
  /** What the model says from now on, and how fast. */
  script(script: { tokens: string[]; timeBetweenTokensMs?: number }): Promise<void>;
  /** What goes wrong from now on. */
  faults(rules: object[]): Promise<void>;
}

export const test = base.extend<{ client: TokencastClient; stack: Stack }>({
  stack: [
    async ({}, use) => {
      const args = ['tokencast', 'dev', '--json', '--port', '0', '--control'];
      const child = spawn('npx', args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const line = await new Promise<string>((resolve, reject) => {
        createInterface(child.stdout).once('line', resolve);
        child.once('error', reject);
        child.once('exit', (code) => reject(new Error(`npx tokencast dev ended with ${code}`)));
      });
      const ready = JSON.parse(line) as Ready;

      await use({
        ...ready,
        script: (script) => put(ready, 'model/script', script),
        faults: (rules) => put(ready, 'faults', { rules }),
      });

      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
    { scope: 'file' },
  ],

  client: async ({ stack }, use) => {
    const token = await signIn(stack);
    const api = apiOf(await loadOutputs(`${stack.url}/amplify_outputs.json`));
    // Node 22 has a WebSocket of its own.
    await use(createClient({ ...api, tokens: () => Promise.resolve(token), WebSocket }));
  },
});

/** Signs the first user in, as a program without Amplify does. */
async function signIn({ cognitoEndpoint, userPoolClientId, users }: Ready): Promise<string> {
  const [user] = users;
  const response = await fetch(cognitoEndpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AWSCognitoIdentityProviderService.InitiateAuth',
    },
    body: JSON.stringify({
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId: userPoolClientId,
      AuthParameters: { USERNAME: user?.username, PASSWORD: user?.password },
    }),
  });
  if (!response.ok) throw new Error(await response.text());
  const answer = (await response.json()) as { AuthenticationResult: { AccessToken: string } };
  return answer.AuthenticationResult.AccessToken;
}

async function put({ controlUrl }: Ready, path: string, body: object): Promise<void> {
  const response = await fetch(controlUrl + path, { method: 'PUT', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(await response.text());
}
