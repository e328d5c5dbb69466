/**
 * Answers as a state of React's: `useStream` follows one at a time. `answer_store.ts` is the same without React, and
 * `page.ts` what a page tells of itself.
 */

export { useStream } from './useStream.js';
export type { StreamActions } from './useStream.js';
export { useConversation } from './useConversation.js';
export type { ConversationOptions } from './useConversation.js';
export { useAssistants } from './useAssistants.js';
export { useConversations } from './useConversations.js';
export { AnswerStore } from './answer_store.js';
export { isOver } from './answer_view.js';
export type { AnswerView, Phase } from './answer_view.js';
export type * from './views.js';
