/**
 * The client library, without a framework: `createClient` makes a client for an API, over AppSync, a Function URL or a
 * WebSocket API. `@tokencast/client/amplify` has the same for whom AWS Amplify signs in.
 *
 * - `create.ts`: what a user calls; `client.ts`: the client; `engine.ts`: one session, from its start to its last event, over
 *   any channel
 * - `transport.ts`: what is needed of a channel, in two flavours. `appsync.ts` has snapshots (by `graphql.ts` and
 *   `realtime.ts`), as has `amplify/transport.ts`; `function_url.ts` (with the events of `sse.ts`) and `web_socket_api.ts`
 *   replay. `channel.ts` and `line.ts`: both as the engine sees them
 * - `bounds.ts`: all the bounds and pauses; `environment.ts`: clocks and timers; `globals.ts`: what the machine has to have
 * - what the engine knows and waits for: `known.ts` and `transcript.ts` (reassembly), `start.ts`, `stop.ts`, `outage.ts`,
 *   `catch_up.ts` (when to ask for what is missing), `record.ts`, `wake.ts` (whether the machine slept); `reader.ts` is told
 * - `outputs.ts`: where the API is, from `amplify_outputs.json`
 */

export { createClient } from './create.js';
export type { ApiUrls, ClientOptions, DeliveryOptions } from './create.js';
export { clientOver, clientOverReplay, newSessionId } from './client.js';
export type { AnswerStream, StreamOptions, TokencastClient } from './client.js';
export { apiOf, loadOutputs } from './outputs.js';
export type { AmplifyOutputs, Api, Delivery } from './outputs.js';
export { errorOfType, TokencastError } from './errors.js';
export type { TokencastErrorKind, TokencastErrorOptions } from './errors.js';
export { RETRYABLE } from './failure_codes.js';
export { TIMEOUTS } from './bounds.js';
export type { Timeouts } from './bounds.js';
export type { Tokens } from './tokens.js';
export { isTerminal } from './types.js';
export type * from './types.js';
export { withPiece } from './bodies.js';
export type * from './blocks.js';
export type * from './conversation.js';
export { accountOver } from './account.js';
export type { Account, Assistant, Usage, UsageLimit } from './account.js';
export { conversationsOver } from './conversations.js';
export type { ConversationListener, Conversations } from './conversations.js';

export { appSyncApi, appSyncTransport } from './appsync.js';
export type { AppSyncOptions } from './appsync.js';
export { transportOver } from './graphql_api.js';
export type {
  Call,
  GraphqlApi,
  Subscription,
  SubscriptionListener,
  Variables,
} from './graphql_api.js';
export { realtimeHeaders, realtimeUrl } from './realtime.js';
export { functionUrlTransport } from './function_url.js';
export type { FunctionUrlOptions } from './function_url.js';
export { webSocketTransport } from './web_socket_api.js';
export type { WebSocketOptions } from './web_socket_api.js';
export type * from './transport.js';
export { Transcript } from './transcript.js';
export type { Change } from './transcript.js';
export type {
  ByteReader,
  Fetch,
  FetchInit,
  FetchResponse,
  StopSignal,
  WebSocketConstructor,
  WebSocketLike,
} from './globals.js';
