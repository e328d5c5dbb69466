/** The mark of the project. */

import type { ReactNode } from 'react';

export function Logo(): ReactNode {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="9" />
      <g>
        <circle cx="11" cy="16" r="1.6" />
        <path d="M16 11a7 7 0 0 1 0 10M20.5 7.5a12 12 0 0 1 0 17" />
      </g>
    </svg>
  );
}
