/**
 * The client library: `streamPrompt` and its companions over AWS Amplify. No React in here; copy the folder, or import it.
 *
 * - `client.ts`: what a user calls; `session.ts`: one session from subscription to end
 * - `transcript.ts`: reassembly; `catch_up.ts`: when to ask `getStream`; `timing.ts`: all the pauses
 * - `transport.ts`: what is needed of a GraphQL client; `amplify.ts`: Amplify as such
 * - `configure.ts`: from `amplify_outputs.json` to a configured Amplify
 */

import { amplifyTransport } from './amplify';
import { createClient, type TokencastClient } from './client';

export { amplifyTransport } from './amplify';
export { createClient, newSessionId } from './client';
export type { AnswerStream, StreamOptions, TokencastClient } from './client';
export { configure, loadOutputs } from './configure';
export type { AmplifyOutputs, Api } from './configure';
export { TokencastError } from './errors';
export type { TokencastErrorKind } from './errors';
export { Transcript } from './transcript';
export type { Listener, Transport } from './transport';
export type * from './types';

let shared: TokencastClient | undefined;

/** The client of the user who is signed in with Amplify. */
export function tokencast(): TokencastClient {
  return (shared ??= createClient(amplifyTransport()));
}

export const streamPrompt: TokencastClient['streamPrompt'] = (prompt, options) =>
  tokencast().streamPrompt(prompt, options);
export const resumeStream: TokencastClient['resumeStream'] = (sessionId, options) =>
  tokencast().resumeStream(sessionId, options);
export const stopStream: TokencastClient['stopStream'] = (sessionId) =>
  tokencast().stopStream(sessionId);
export const getStream: TokencastClient['getStream'] = (sessionId) =>
  tokencast().getStream(sessionId);
