/** Amplify in Node, against a stack, signed in as one of its users. */

import { signIn, signOut } from 'aws-amplify/auth';
import WebSocket from 'ws';

import { configure, loadOutputs, type Api } from '../../src/api';
import type { Stack } from './stack';

export async function signInTo(stack: Pick<Stack, 'url' | 'users'>, index = 0): Promise<Api> {
  // Node 20 has no WebSocket of its own.
  globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket;
  const api = configure(await loadOutputs(`${stack.url}/amplify_outputs.json`));
  const user = stack.users[index];
  if (!user) throw new Error('no such user');
  await signOut();
  await signIn({ username: user.username, password: user.password });
  return api;
}
