/** Code as it was written, in colours, with its language and a way to copy it. */

import { memo, type ReactNode } from 'react';

import { CopyButton } from '../ui/CopyButton';
import { useHighlighted, type Coloured } from './useHighlighted';

interface CodeBlockProps {
  /** The code, cut between lines. */
  pieces: readonly string[];
  language: string;
}

export function CodeBlock({ pieces, language }: CodeBlockProps): ReactNode {
  const name = language.split(/\s/, 1)[0] ?? '';
  const coloured = useHighlighted(pieces, name);
  return (
    <figure className="code" dir="ltr">
      <figcaption>
        <span>{name || 'text'}</span>
        <CopyButton text={() => pieces.join('\n')} label="Copy code" />
      </figcaption>
      <pre tabIndex={0} aria-label={name ? `Code in ${name}` : 'Code'} role="group">
        <code>
          {pieces.map((code, index) => (
            <CodePiece
              key={index}
              code={index < pieces.length - 1 ? `${code}\n` : code}
              coloured={coloured[index]}
            />
          ))}
        </code>
      </pre>
    </figure>
  );
}

const CodePiece = memo(
  ({ code, coloured }: { code: string; coloured: Coloured | undefined }): ReactNode => {
    // What was added since is plain for a moment.
    if (!coloured || !code.startsWith(coloured.code)) return <span>{code}</span>;
    return (
      <span>
        {coloured.lines.map((line, row) => (
          <span key={row}>
            {row > 0 && '\n'}
            {line.map(({ text, style }, index) => (
              <span key={index} className="token" style={style}>
                {text}
              </span>
            ))}
          </span>
        ))}
        {code.slice(coloured.code.length)}
      </span>
    );
  },
);
CodePiece.displayName = 'CodePiece';
