/** What went wrong beside what is shown: said until its reader closes it, or the next is said. */

import type { ReactNode } from 'react';

import { CloseIcon } from './icons';

interface NoticeProps {
  words: string | null;
  close: () => void;
}

export function Notice({ words, close }: NoticeProps): ReactNode {
  if (words === null) return null;
  return (
    <div className="notice-bar" role="alert">
      <p>{words}</p>
      <button type="button" className="quiet" aria-label="Close" title="Close" onClick={close}>
        <CloseIcon />
      </button>
    </div>
  );
}
