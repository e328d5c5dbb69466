/** The branch of a conversation that is shown. */

import type { ReactNode } from 'react';

import type { ConversationView } from '@tokencast/react';
import { useFromEnd } from '../hooks/useFromEnd';
import type { Held } from '../hooks/useWaiting';
import type { TurnActions } from './actions';
import { Turn } from './Turn';

interface TurnsProps {
  view: Pick<ConversationView, 'path' | 'siblings'>;
  /** What holds the last answer up, if that is known. */
  held: Held | null;
  /** The turn whose question is being changed. */
  editing: string | null;
  actions: TurnActions;
}

export function Turns({ view: { path, siblings }, held, editing, actions }: TurnsProps): ReactNode {
  const hidden = useFromEnd(path.length);
  const last = path.length - 1;
  return path.slice(hidden).map((turn, at) => {
    const { sessionId, parentId } = turn;
    const { index, count } = siblings(sessionId);
    const isLast = hidden + at === last;
    return (
      <Turn
        // Versions take each other's place, and the focus stays where it is.
        key={parentId ?? 'first'}
        turn={turn}
        version={index}
        versions={count}
        held={isLast ? held : null}
        editing={sessionId === editing}
        isLast={isLast}
        actions={actions}
      />
    );
  });
}
