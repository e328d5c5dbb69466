/** Code as it was written, with its language and a way to copy it. */

import type { ReactNode } from 'react';

import { CopyButton } from '../ui/CopyButton';

export function CodeBlock({ code, language }: { code: string; language: string }): ReactNode {
  const name = language.split(/\s/, 1)[0] ?? '';
  return (
    <figure className="code">
      <figcaption>
        <span>{name || 'text'}</span>
        <CopyButton text={code} label="Copy code" />
      </figcaption>
      <pre tabIndex={0} aria-label={name ? `Code in ${name}` : 'Code'} role="group">
        <code>{code}</code>
      </pre>
    </figure>
  );
}
