/** What is there before the first question. */

import type { ReactNode } from 'react';

const EXAMPLES = [
  'Why do rivers meander?',
  'Explain GraphQL subscriptions to a carpenter.',
  'Write a haiku about a queue that never empties.',
  'Compare SQS with Kafka in a table.',
];

export function Welcome({ ask }: { ask: (prompt: string) => void }): ReactNode {
  return (
    <section className="welcome" aria-labelledby="welcome">
      <h2 id="welcome">What would you like to know?</h2>
      <ul>
        {EXAMPLES.map((example) => (
          <li key={example}>
            <button
              type="button"
              onClick={() => {
                ask(example);
              }}
            >
              {example}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
