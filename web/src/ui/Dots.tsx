/** Something goes on. */

import type { ReactNode } from 'react';

export function Dots(): ReactNode {
  return (
    <span className="dots" aria-hidden="true">
      <i />
      <i />
      <i />
    </span>
  );
}
