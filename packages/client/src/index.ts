/**
 * The client library: `streamPrompt` and its companions over AWS Amplify, and the same over a Function URL or a WebSocket
 * API. No React in here; copy the folder, or import it.
 *
 * - `client.ts`: what a user calls; `engine.ts`: one session, from its start to its last event, over any channel
 * - `transport.ts`: what is needed of a channel, in two flavours. `amplify.ts` has snapshots, over AWS Amplify; `function_url.ts`
 *   (with the events of `sse.ts`) and `web_socket_api.ts` replay. `channel.ts` and `line.ts`: both as the engine sees them
 * - `bounds.ts`: all the bounds and pauses; `environment.ts`: clocks and timers
 * - what the engine knows and waits for: `known.ts` and `transcript.ts` (reassembly), `start.ts`, `stop.ts`, `outage.ts`,
 *   `catch_up.ts` (when to ask for what is missing), `record.ts`, `wake.ts` (whether the machine slept); `reader.ts` is told
 * - `configure.ts`: from `amplify_outputs.json` to a configured Amplify
 */

import { amplifyTransport } from './amplify';
import { createClient, createReplayClient, type TokencastClient } from './client';
import type { Api, Delivery } from './configure';
import { functionUrlTransport } from './function_url';
import { amplifyTokens, type Tokens } from './tokens';
import type { Transport } from './transport';
import { webSocketTransport } from './web_socket_api';

export { amplifyTransport } from './amplify';
export { createClient, newSessionId } from './client';
export type { AnswerStream, StreamOptions, TokencastClient } from './client';
export { configure, loadOutputs } from './configure';
export type { AmplifyOutputs, Api, Delivery } from './configure';
export { TokencastError } from './errors';
export type { TokencastErrorKind } from './errors';
export type { Tokens } from './tokens';
export { Transcript } from './transcript';
export type { Listener, Transport } from './transport';
export type * from './types';

let transport: Transport | undefined;
let shared: TokencastClient | undefined;

function amplify(): Transport {
  return (transport ??= amplifyTransport());
}

/** The client of the user who is signed in with Amplify, over AppSync. */
export function tokencast(): TokencastClient {
  return (shared ??= createClient(amplify()));
}

export const streamPrompt: TokencastClient['streamPrompt'] = (prompt, options) =>
  tokencast().streamPrompt(prompt, options);
export const resumeStream: TokencastClient['resumeStream'] = (sessionId, options) =>
  tokencast().resumeStream(sessionId, options);
export const stopStream: TokencastClient['stopStream'] = (sessionId) =>
  tokencast().stopStream(sessionId);
export const getStream: TokencastClient['getStream'] = (sessionId) =>
  tokencast().getStream(sessionId);

/** A client over a Function URL, of the user who is signed in with Amplify, or of whom `tokens` speaks. */
export function functionUrlClient(url: string, tokens: Tokens = amplifyTokens): TokencastClient {
  return createReplayClient(functionUrlTransport(url, tokens), getStream);
}

/**
 * The same over a WebSocket API: its address ends with the stage. A prompt that is too long for a WebSocket's frame, which a
 * browser can't split, is sent by GraphQL, and followed over the WebSocket.
 */
export function webSocketClient(url: string, tokens: Tokens = amplifyTokens): TokencastClient {
  const startStream = (sessionId: string, prompt: string): Promise<void> =>
    amplify().startStream(sessionId, prompt);
  return createReplayClient(webSocketTransport(url, tokens, startStream), getStream);
}

/** The client over one of an API's channels; over AppSync if it hasn't that one. */
export function clientVia(api: Api, delivery: Delivery): TokencastClient {
  const { streamUrl, webSocketUrl } = api;
  if (delivery === 'url' && streamUrl !== undefined) return functionUrlClient(streamUrl);
  if (delivery === 'websocket' && webSocketUrl !== undefined) return webSocketClient(webSocketUrl);
  return tokencast();
}
