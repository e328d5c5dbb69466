/**
 * `useChat` and `Chat` of Vercel's AI SDK over a client of this package. Needs the package `ai`, 6 or 7.
 *
 * - `transport.ts`: what a chat is given; `chunks.ts`: an answer's events in the AI SDK's words
 * - `messages.ts`: a chat's messages, and a conversation as messages; `ids.ts`: a chat's ids as ours
 */

export { TokencastChatTransport } from './transport.js';
export type { ChatTransportOptions } from './transport.js';
export { messagesOf } from './messages.js';
export { conversationIdOf, sessionIdOf } from './ids.js';
