/** What went wrong, and the way out. The code, and the server's own words, are for who wants them. */

import type { ReactNode } from 'react';

import type { StreamError } from '@tokencast/client';
import type { TurnView } from '@tokencast/react';
import { hrefOf } from '../hooks/useRoute';
import { RetryIcon, WarnIcon } from '../ui/icons';
import type { TurnActions } from './actions';
import { failureWords, type WayOut } from './failure_words';

interface FailureProps {
  error: StreamError;
  turn: TurnView;
  actions: TurnActions;
}

export function Failure({ error, turn, actions }: FailureProps): ReactNode {
  const { words, wayOut } = failureWords(error);
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
      <WayOutButton wayOut={wayOut} turn={turn} actions={actions} />
    </div>
  );
}

interface WayOutProps {
  wayOut: WayOut;
  turn: TurnView;
  actions: TurnActions;
}

function WayOutButton({ wayOut, turn, actions }: WayOutProps): ReactNode {
  const retry = (): void => {
    actions.retry(turn.sessionId);
  };
  switch (wayOut) {
    case 'reconnect':
      return <Way label="Reconnect" go={retry} again />;
    case 'sendAgain':
      return <Way label="Send again" go={retry} again />;
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
      return (
        <Way
          label="Try again"
          go={() => {
            actions.regenerate(turn);
          }}
          again
        />
      );
    case 'edit':
      return (
        <Way
          label="Change the question"
          go={() => {
            actions.startEdit(turn.sessionId);
          }}
        />
      );
    case 'wait':
      return null;
    case 'newConversation':
      return (
        <a className="plain" href={hrefOf({ page: 'chat', conversationId: null })}>
          New conversation
        </a>
      );
  }
}

interface WayProps {
  label: string;
  go: () => void;
  again?: boolean;
}

function Way({ label, go, again = false }: WayProps): ReactNode {
  return (
    <button type="button" className="plain" onClick={go}>
      {again && <RetryIcon />} {label}
    </button>
  );
}
