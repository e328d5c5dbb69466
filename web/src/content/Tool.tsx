/** A tool that the model used: its name, and what went in and came out for who wants to know. */

import type { ReactNode } from 'react';

import type { ToolOutput } from './parts';

interface ToolProps {
  name: string;
  input: string;
  result: ToolOutput | null;
}

export function Tool({ name, input, result }: ToolProps): ReactNode {
  return (
    <details className="reasoning tool">
      <summary>
        {result?.isError === true ? 'Could not use' : 'Used'} the tool <code>{name}</code>
      </summary>
      <pre tabIndex={0} aria-label="What the tool was asked">
        {input}
      </pre>
      {result !== null && (
        <pre tabIndex={0} aria-label="What the tool answered">
          {result.content}
        </pre>
      )}
    </details>
  );
}
