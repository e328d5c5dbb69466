/** A question and its answer. */

import { memo, useRef, type ReactNode } from 'react';

import type { TurnView } from '@tokencast/react';
import { useNear } from '../hooks/useNear';
import type { Held } from '../hooks/useWaiting';
import type { TurnActions } from './actions';
import { Answer } from './Answer';
import { Question } from './Question';
import { QuestionField } from './QuestionField';

interface TurnProps {
  turn: TurnView;
  version: number;
  versions: number;
  /** What holds its answer up, if that is known. */
  held: Held | null;
  editing: boolean;
  /** It is shown whole at once, since it is what its reader came for. */
  isLast: boolean;
  actions: TurnActions;
}

export const Turn = memo((props: TurnProps): ReactNode => {
  const { turn, version, versions, held, editing, isLast, actions } = props;
  const { sessionId, prompt, createdAt } = turn;
  const place = useRef<HTMLDivElement>(null);
  const near = useNear(place, isLast);
  return (
    <div ref={place} className="turn">
      {editing ? (
        <QuestionField
          prompt={prompt}
          send={(written) => {
            actions.edit(turn, written);
          }}
          cancel={() => {
            actions.startEdit(null);
          }}
        />
      ) : (
        <Question
          prompt={prompt}
          version={version}
          versions={versions}
          edit={() => {
            actions.startEdit(sessionId);
          }}
          previous={() => {
            actions.previous(sessionId);
          }}
          next={() => {
            actions.next(sessionId);
          }}
        />
      )}
      <Answer
        turn={turn}
        wait={{ held, askedAt: new Date(createdAt).getTime() }}
        far={!near}
        actions={actions}
      />
    </div>
  );
});
Turn.displayName = 'Turn';
