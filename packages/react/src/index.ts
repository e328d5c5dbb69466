/**
 * Answers as a state of React's: `useStream` follows one at a time. `answer_store.ts` is the same without React, and
 * `page.ts` what a page tells of itself.
 */

export { useStream } from './useStream.js';
export type { StreamActions } from './useStream.js';
export { AnswerStore, isOver } from './answer_store.js';
export type { AnswerView, Phase } from './answer_store.js';
export type * from './views.js';
