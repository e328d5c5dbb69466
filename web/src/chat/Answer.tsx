/** A question, the answer as far as it is there, and what can be done with it. */

import type { ReactNode } from 'react';

import { isOver, type AnswerView } from '@tokencast/react';
import { Markdown } from '../markdown/Markdown';
import { CopyButton } from '../ui/CopyButton';
import { RetryIcon } from '../ui/icons';
import { AnswerState, type Wait } from './AnswerState';
import { wordsForEnding, wordsForNoText } from './ending_words';
import { Failure } from './Failure';
import { Question } from './Question';

interface AnswerProps {
  answer: AnswerView;
  /** `null` if the question was asked in another browser. */
  prompt: string | null;
  wait: Wait;
  askAgain: (prompt: string) => void;
  edit: (prompt: string) => void;
  reload: () => void;
}

export function Answer({ answer, prompt, wait, askAgain, edit, reload }: AnswerProps): ReactNode {
  const over = isOver(answer.phase);
  const hasText = answer.text.trim() !== '';
  const noText = wordsForNoText(answer);
  return (
    <>
      {prompt !== null && <Question prompt={prompt} />}
      <article className="answer" aria-label="Answer" aria-busy={!over}>
        {hasText && <Markdown key={answer.sessionId} text={answer.text} growing={!over} />}
        {noText !== null && <p className="no-text">{noText}</p>}
        <AnswerState answer={answer} wait={wait} />
        {answer.phase === 'failed' && answer.error && (
          <Failure
            error={answer.error}
            prompt={prompt}
            askAgain={askAgain}
            edit={edit}
            reload={reload}
          />
        )}
        {over && answer.phase !== 'idle' && (
          <div className="actions">
            {hasText && <CopyButton text={answer.text} label="Copy the answer" />}
            {prompt !== null && answer.phase !== 'failed' && (
              <button
                type="button"
                className="quiet"
                aria-label="Ask again"
                title="Ask again"
                onClick={() => {
                  askAgain(prompt);
                }}
              >
                <RetryIcon />
              </button>
            )}
            <Figures answer={answer} />
          </div>
        )}
      </article>
    </>
  );
}

function Figures({ answer }: { answer: AnswerView }): ReactNode {
  const { timeToFirstTokenMs, usage } = answer;
  const figures = [
    wordsForEnding(answer),
    timeToFirstTokenMs === null ? null : `first token ${seconds(timeToFirstTokenMs)}`,
    usage ? `${usage.inputTokens} + ${usage.outputTokens} tokens` : null,
  ].filter((figure) => figure !== null);
  if (figures.length === 0) return null;
  const title = usage
    ? `${usage.inputTokens} tokens in, ${usage.outputTokens} out, ${usage.totalTokens} in all`
    : undefined;
  return (
    <p className="figures" title={title}>
      {figures.join(' · ')}
    </p>
  );
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
