/** How long an answer took, and what it cost in tokens: the most of it only for who wants it. */

import type { ReactNode } from 'react';

import type { AnswerView } from '@tokencast/react';
import { wordsForEnding } from './ending_words';
import { figuresOf } from './figures_of';

export function Figures({ answer }: { answer: AnswerView }): ReactNode {
  const { timeToFirstTokenMs, usage } = answer;
  const short = [
    wordsForEnding(answer),
    timeToFirstTokenMs === null ? null : `first token ${seconds(timeToFirstTokenMs)}`,
    usage ? `${usage.inputTokens} + ${usage.outputTokens} tokens` : null,
  ].filter((figure) => figure !== null);
  if (short.length === 0) return null;
  const words = short.join(' · ');
  const figures = figuresOf(answer);
  if (figures.length === 0) return <p className="figures">{words}</p>;
  return (
    <details className="figures">
      <summary>{words}</summary>
      <dl>
        {figures.map(([name, figure]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{figure}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
