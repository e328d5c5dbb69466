/** A question, the answer as far as it is there, and what can be done with it. */

import { memo, type ReactNode } from 'react';

import { isOver, type AnswerView } from '../hooks/answer_store';
import { Markdown } from '../markdown/Markdown';
import { CopyButton } from '../ui/CopyButton';
import { RetryIcon } from '../ui/icons';
import { AnswerState } from './AnswerState';
import { Failure } from './Failure';

interface AnswerProps {
  answer: AnswerView;
  /** `null` if the question was asked in another browser. */
  prompt: string | null;
  askAgain: (prompt: string) => void;
  edit: (prompt: string) => void;
  reload: () => void;
}

export function Answer({ answer, prompt, askAgain, edit, reload }: AnswerProps): ReactNode {
  const over = isOver(answer.phase);
  return (
    <>
      {prompt !== null && <Question prompt={prompt} />}
      <article className="answer" aria-label="Answer" aria-busy={!over}>
        {answer.text !== '' && (
          <Markdown key={answer.sessionId} text={answer.text} growing={!over} />
        )}
        <AnswerState answer={answer} />
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
            {answer.text !== '' && <CopyButton text={answer.text} label="Copy the answer" />}
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

const Question = memo(({ prompt }: { prompt: string }): ReactNode => (
  <section className="question" aria-label="Question">
    <p>{prompt}</p>
  </section>
));
Question.displayName = 'Question';

/** Why a model stopped, where that isn't simply because it had finished. */
const STOP_REASONS: Record<string, string> = {
  max_tokens: 'cut at the length limit',
  guardrail_intervened: 'ended by a guardrail',
  content_filtered: 'ended by a content filter',
  model_context_window_exceeded: 'cut at the context limit',
};

function Figures({ answer }: { answer: AnswerView }): ReactNode {
  const { timeToFirstTokenMs, usage, stopReason, phase } = answer;
  const figures = [
    phase === 'cancelled' ? 'stopped' : STOP_REASONS[stopReason ?? ''],
    timeToFirstTokenMs === null ? undefined : `first token ${seconds(timeToFirstTokenMs)}`,
    usage ? `${usage.inputTokens} + ${usage.outputTokens} tokens` : undefined,
  ].filter((figure) => figure !== undefined);
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
