/** Which version of a turn is shown, and the way to the others. */

import type { ReactNode } from 'react';

import { BackIcon, ForthIcon } from '../ui/icons';

interface VersionsProps {
  version: number;
  versions: number;
  previous: () => void;
  next: () => void;
}

export function Versions({ version, versions, previous, next }: VersionsProps): ReactNode {
  if (versions < 2) return null;
  return (
    <div className="versions" role="group" aria-label="Versions">
      {/* Not disabled at the ends: the focus would be lost there. */}
      <button
        type="button"
        className="quiet"
        aria-label="Previous version"
        title="Previous version"
        aria-disabled={version === 0}
        onClick={previous}
      >
        <BackIcon />
      </button>
      <span role="status">
        {version + 1} of {versions}
      </span>
      <button
        type="button"
        className="quiet"
        aria-label="Next version"
        title="Next version"
        aria-disabled={version === versions - 1}
        onClick={next}
      >
        <ForthIcon />
      </button>
    </div>
  );
}
