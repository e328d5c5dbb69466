/** An answer as far as it is there, and what can be done with it. */

import type { ReactNode } from 'react';

import { isOver, type TurnView } from '@tokencast/react';
import { AnswerContent } from '../content/AnswerContent';
import { CopyButton } from '../ui/CopyButton';
import { RetryIcon } from '../ui/icons';
import type { TurnActions } from './actions';
import { AnswerState, type Wait } from './AnswerState';
import { wordsForNoText } from './ending_words';
import { Failure } from './Failure';
import { Figures } from './Figures';

interface AnswerProps {
  turn: TurnView;
  wait: Wait;
  /** Far from what is in sight: its words will do. */
  far: boolean;
  actions: TurnActions;
}

export function Answer({ turn, wait, far, actions }: AnswerProps): ReactNode {
  const { sessionId, answer } = turn;
  const over = isOver(answer.phase);
  const hasText = answer.text.trim() !== '';
  const noText = wordsForNoText(answer);
  return (
    <article className="answer" aria-label="Answer" aria-busy={!over}>
      <AnswerContent
        key={sessionId}
        blocks={answer.blocks}
        reasoningMs={answer.reasoningMs}
        growing={!over}
        plain={far}
      />
      {noText !== null && <p className="no-text">{noText}</p>}
      <AnswerState answer={answer} wait={wait} />
      {answer.phase === 'failed' && answer.error && (
        <Failure error={answer.error} turn={turn} actions={actions} />
      )}
      {over && answer.phase !== 'idle' && (
        <div className="actions">
          {hasText && <CopyButton text={answer.text} label="Copy the answer" />}
          {answer.phase !== 'failed' && (
            <button
              type="button"
              className="quiet"
              aria-label="Answer again"
              title="Answer again"
              onClick={() => {
                actions.regenerate(turn);
              }}
            >
              <RetryIcon />
            </button>
          )}
          <Figures answer={answer} />
        </div>
      )}
    </article>
  );
}
