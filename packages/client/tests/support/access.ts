/** A user of a stack, signed in by Amplify or without it, as a client of the stack's API. */

import { signIn, signOut } from 'aws-amplify/auth';
import WebSocket from 'ws';

import { configure, createAmplifyClient } from '../../src/amplify/index.js';
import {
  apiOf,
  createClient,
  loadOutputs,
  type Api,
  type Delivery,
  type TokencastClient,
} from '../../src/index.js';
import { passwordTokens } from './cognito.js';
import type { Stack } from './stack.js';

/** What is the same for a helper of any test. */
type Running = Pick<Stack, 'url' | 'users'>;

export interface Access {
  client(via: Delivery): TokencastClient;
  /** From now on, each call is that user's. */
  become(index: number): Promise<void>;
}

export const WAYS = ['amplify', 'tokens'] as const;

/** By which way the user signs in, and the client gets its tokens and its sockets. */
export async function accessBy(way: (typeof WAYS)[number], stack: Running): Promise<Access> {
  return way === 'amplify' ? byAmplify(stack) : byTokens(stack);
}

async function byAmplify(stack: Running): Promise<Access> {
  let api: Api | undefined;
  const become = async (index: number): Promise<void> => {
    api = await signInTo(stack, index);
  };
  await become(0);
  return {
    become,
    client: (delivery) => {
      if (api === undefined) throw new Error('nobody has signed in');
      return createAmplifyClient(api, { delivery });
    },
  };
}

async function byTokens(stack: Running): Promise<Access> {
  const outputs = await loadOutputs(`${stack.url}/amplify_outputs.json`);
  let tokens = await passwordTokens(outputs, stack.users[0]);
  return {
    become: async (index) => {
      tokens = await passwordTokens(outputs, stack.users[index]);
    },
    client: (delivery) =>
      createClient({
        ...apiOf(outputs),
        delivery,
        tokens: (refresh) => tokens(refresh),
        WebSocket,
      }),
  };
}

export async function signInTo(stack: Running, index = 0): Promise<Api> {
  // Node 20 has no WebSocket of its own.
  globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket;
  const api = configure(await loadOutputs(`${stack.url}/amplify_outputs.json`));
  const user = stack.users[index];
  if (!user) throw new Error('no such user');
  await signOut();
  await signIn({ username: user.username, password: user.password });
  return api;
}
