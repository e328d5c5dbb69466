/** What went wrong, and the way out. The code, and the server's own words, are for who wants them. */

import type { ReactNode } from 'react';

import type { StreamError } from '@tokencast/client';
import { hrefOf } from '../hooks/useRoute';
import { RetryIcon, WarnIcon } from '../ui/icons';
import { failureWords, type WayOut } from './failure_words';

interface FailureProps {
  error: StreamError;
  prompt: string | null;
  askAgain: (prompt: string) => void;
  edit: (prompt: string) => void;
  reload: () => void;
}

export function Failure({ error, prompt, ...ways }: FailureProps): ReactNode {
  const { words, wayOut } = failureWords(error, prompt !== null);
  return (
    <div className="failure" role="alert">
      <WarnIcon />
      <div>
        <p>{words}</p>
        <details>
          <summary>Details</summary>
          <p>{error.message}</p>
          <p className="code">{error.code}</p>
        </details>
      </div>
      <WayOutButton wayOut={wayOut} prompt={prompt} {...ways} />
    </div>
  );
}

interface WayOutProps extends Omit<FailureProps, 'error'> {
  wayOut: WayOut;
}

function WayOutButton({ wayOut, prompt, askAgain, edit, reload }: WayOutProps): ReactNode {
  switch (wayOut) {
    case 'reconnect':
      return <Way label="Reconnect" go={reload} again />;
    case 'sendAgain':
      return <Way label="Send again" go={reload} again />;
    case 'signIn':
      return (
        <Way
          label="Sign in"
          go={() => {
            window.location.reload();
          }}
        />
      );
    case 'askAgain':
      if (prompt === null) return <NewQuestion />;
      return (
        <Way
          label="Try again"
          go={() => {
            askAgain(prompt);
          }}
          again
        />
      );
    case 'edit':
      if (prompt === null) return <NewQuestion />;
      return (
        <Way
          label="Edit the question"
          go={() => {
            edit(prompt);
          }}
        />
      );
    case 'newQuestion':
      return <NewQuestion />;
  }
}

function Way({
  label,
  go,
  again = false,
}: {
  label: string;
  go: () => void;
  again?: boolean;
}): ReactNode {
  return (
    <button type="button" className="plain" onClick={go}>
      {again && <RetryIcon />} {label}
    </button>
  );
}

function NewQuestion(): ReactNode {
  return (
    <a className="plain" href={hrefOf({ page: 'chat', sessionId: null })}>
      New question
    </a>
  );
}
