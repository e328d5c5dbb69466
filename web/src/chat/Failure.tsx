/** What went wrong, and the way out. */

import type { ReactNode } from 'react';

import type { StreamError } from '../api';
import { RetryIcon, WarnIcon } from '../ui/icons';

interface FailureProps {
  error: StreamError;
  prompt: string | null;
  askAgain: (prompt: string) => void;
  edit: (prompt: string) => void;
  reload: () => void;
}

export function Failure({ error, prompt, askAgain, edit, reload }: FailureProps): ReactNode {
  return (
    <div className="failure" role="alert">
      <WarnIcon />
      <div>
        <p>{error.message}</p>
        <p className="code">{error.code}</p>
      </div>
      <WayOut error={error} prompt={prompt} askAgain={askAgain} edit={edit} reload={reload} />
    </div>
  );
}

function WayOut({ error, prompt, askAgain, edit, reload }: FailureProps): ReactNode {
  if (error.code === 'CONNECTION') {
    return (
      <button type="button" className="plain" onClick={reload}>
        <RetryIcon /> Reconnect
      </button>
    );
  }
  if (prompt === null || error.code === 'SIGNED_OUT') return null;
  // A model that can't be had is not the question's fault, and may be mended meanwhile.
  if (!error.retryable && !['NOT_FOUND', 'MODEL_UNAVAILABLE'].includes(error.code)) {
    return (
      <button
        type="button"
        className="plain"
        onClick={() => {
          edit(prompt);
        }}
      >
        Edit the question
      </button>
    );
  }
  return (
    <button
      type="button"
      className="plain"
      onClick={() => {
        askAgain(prompt);
      }}
    >
      <RetryIcon /> Try again
    </button>
  );
}
