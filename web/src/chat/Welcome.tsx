/** What is there before the first question. */

import type { ReactNode } from 'react';

import { BulbIcon, PenIcon, RiverIcon, TableIcon } from '../ui/icons';

const EXAMPLES = [
  { Icon: RiverIcon, prompt: 'Why do rivers meander?' },
  { Icon: BulbIcon, prompt: 'Explain GraphQL subscriptions to a carpenter.' },
  { Icon: PenIcon, prompt: 'Write a haiku about a queue that never empties.' },
  { Icon: TableIcon, prompt: 'Compare SQS with Kafka in a table.' },
];

export function Welcome({ ask }: { ask: (prompt: string) => void }): ReactNode {
  return (
    <section className="welcome" aria-labelledby="welcome">
      <h2 id="welcome">What would you like to know?</h2>
      <ul>
        {EXAMPLES.map(({ Icon, prompt }) => (
          <li key={prompt}>
            <button
              type="button"
              onClick={() => {
                ask(prompt);
              }}
            >
              <Icon />
              <span>{prompt}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
