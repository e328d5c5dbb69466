/** How an answer ended, in words. */

import type { AnswerView } from '@tokencast/react';

/** What can be said of a model's reason to stop: beside a text, and instead of one. */
interface Words {
  beside: string | null;
  instead: string;
}

const NO_TEXT = 'The model had nothing to say to this.';

const STOP_REASONS: Readonly<Record<string, Words>> = {
  end_turn: { beside: null, instead: NO_TEXT },
  stop_sequence: { beside: null, instead: NO_TEXT },
  max_tokens: {
    beside: 'cut at the length limit',
    instead: 'The model reached its length limit before it wrote a word.',
  },
  max_answer_bytes: {
    beside: 'cut at the size limit',
    instead: 'The answer reached its size limit before there was a word of it.',
  },
  model_context_window_exceeded: {
    beside: 'cut at the context limit',
    instead: 'The question leaves the model no room for an answer. A shorter one may.',
  },
  guardrail_intervened: {
    beside: 'ended by a guardrail',
    instead: 'A guardrail kept the model from answering this.',
  },
  content_filtered: {
    beside: 'ended by a content filter',
    instead: 'A content filter kept the model from answering this.',
  },
  tool_use: {
    beside: 'ended to use a tool',
    instead: 'The model wanted to use a tool that it doesn’t have here.',
  },
  malformed_model_output: {
    beside: 'ended by an error of the model',
    instead: 'The model’s answer could not be read. Asking again may help.',
  },
  malformed_tool_use: {
    beside: 'ended by an error of the model',
    instead: 'The model made a mistake in using a tool. Asking again may help.',
  },
};

type Ended = Pick<AnswerView, 'phase' | 'stopReason' | 'text'> &
  Partial<Pick<AnswerView, 'guardrail'>>;

/** What stands in the place of a text that isn't there; `null` if there is one, or none is due. */
export function wordsForNoText({ phase, stopReason, text }: Ended): string | null {
  if (text.trim() !== '') return null;
  if (phase === 'cancelled') return 'Stopped before the first word.';
  if (phase !== 'completed') return null;
  return (STOP_REASONS[stopReason ?? 'end_turn'] ?? { instead: NO_TEXT }).instead;
}

/** Why a text ends where it does, where that isn't simply because the model had finished. */
export function wordsForEnding({ phase, stopReason, text, guardrail }: Ended): string | null {
  if (text.trim() === '') return null;
  if (phase === 'cancelled') return 'stopped';
  if (phase !== 'completed' || stopReason === null) return null;
  // One that is new at the model's.
  const known = STOP_REASONS[stopReason];
  if (known?.beside === null && guardrail?.action === 'MASKED')
    return 'partly masked by a guardrail';
  return known ? known.beside : `ended: ${stopReason.replaceAll('_', ' ')}`;
}
