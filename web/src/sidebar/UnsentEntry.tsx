/** A conversation that nobody but this browser knows of: its first question isn't sent yet, or was refused. */

import type { ReactNode } from 'react';

import { hrefOf } from '../hooks/useRoute';
import type { UnsentQuestion } from '../hooks/useUnsent';
import { TrashIcon } from '../ui/icons';

interface UnsentEntryProps {
  question: UnsentQuestion;
  current: boolean;
  opened: () => void;
  discard: (question: UnsentQuestion) => void;
}

export function UnsentEntry({ question, current, opened, discard }: UnsentEntryProps): ReactNode {
  const { conversationId, prompt } = question;
  const title = prompt.slice(0, 60);
  return (
    <li className={current ? 'current' : undefined}>
      <a
        href={hrefOf({ page: 'chat', conversationId })}
        aria-current={current ? 'page' : undefined}
        onClick={opened}
      >
        <bdi>{title}</bdi> <small>not sent</small>
      </a>
      <button
        type="button"
        className="quiet"
        aria-label={`Discard “${title}”, which is not sent`}
        title="Discard"
        onClick={() => {
          discard(question);
        }}
      >
        <TrashIcon />
      </button>
    </li>
  );
}
