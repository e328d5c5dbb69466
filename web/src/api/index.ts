/**
 * The client library: `streamPrompt` and its companions over AWS Amplify, and the same over a Function URL or a WebSocket
 * API. No React in here; copy the folder, or import it.
 *
 * - `client.ts`: what a user calls; `session.ts`: one session over AppSync, from subscription to end
 * - `transcript.ts`: reassembly; `catch_up.ts`: when to ask for what is missing; `timing.ts`: all the pauses and bounds
 * - `start.ts`, `stop.ts`, `outage.ts`, `record_check.ts`: the bounds, each of them; `wake.ts`: whether the machine slept
 * - `transport.ts`: what is needed of a GraphQL client; `amplify.ts`: Amplify as such
 * - `feed_session.ts`: one session over a delivery that goes on behind what a client has: `function_url.ts`, with the events
 *   of `sse.ts`, and `web_socket_api.ts`; `feed.ts`: what is needed of them
 * - `configure.ts`: from `amplify_outputs.json` to a configured Amplify
 */

import { amplifyTransport } from './amplify';
import { createClient, createFeedClient, type TokencastClient } from './client';
import type { Api, Delivery } from './configure';
import { functionUrlFeed } from './function_url';
import { amplifyTokens, type Tokens } from './tokens';
import type { Transport } from './transport';
import { webSocketFeed } from './web_socket_api';

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
  return createFeedClient(functionUrlFeed(url, tokens), getStream);
}

/**
 * The same over a WebSocket API: its address ends with the stage. A prompt that is too long for a WebSocket's frame, which a
 * browser can't split, is sent by GraphQL, and followed over the WebSocket.
 */
export function webSocketClient(url: string, tokens: Tokens = amplifyTokens): TokencastClient {
  const startStream = (sessionId: string, prompt: string): Promise<void> =>
    amplify().startStream(sessionId, prompt);
  return createFeedClient(webSocketFeed(url, tokens, startStream), getStream);
}

/** The client over one of an API's deliveries; over AppSync if it hasn't that one. */
export function clientVia(api: Api, delivery: Delivery): TokencastClient {
  const { streamUrl, webSocketUrl } = api;
  if (delivery === 'url' && streamUrl !== undefined) return functionUrlClient(streamUrl);
  if (delivery === 'websocket' && webSocketUrl !== undefined) return webSocketClient(webSocketUrl);
  return tokencast();
}
