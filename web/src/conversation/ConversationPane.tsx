/** What is shown of a conversation: its turns, or why there are none. */

import type { ReactNode } from 'react';

import type { ConversationView } from '@tokencast/react';
import { Welcome } from '../chat/Welcome';
import type { Held } from '../hooks/useWaiting';
import type { TurnActions } from './actions';
import { NoConversation } from './NoConversation';
import { ScrollPane } from './ScrollPane';
import { Turns } from './Turns';

interface ConversationPaneProps {
  view: ConversationView;
  /** It begins here, with its first question. */
  isNew: boolean;
  /** The session that was asked last from this page, if any. */
  asked: string | null;
  held: Held | null;
  editing: string | null;
  turns: TurnActions;
  /** Asks the first question. */
  ask: (prompt: string) => void;
}

export function ConversationPane(props: ConversationPaneProps): ReactNode {
  const { view, isNew, asked, held, editing, turns, ask } = props;
  const isGone = view.state === 'deleted';
  return (
    <ScrollPane endOf={asked}>
      {view.path.length > 0 && !isGone ? (
        <Turns view={view} held={held} editing={editing} actions={turns} />
      ) : isNew && !isGone ? (
        <Welcome ask={ask} />
      ) : (
        <NoConversation view={view} />
      )}
    </ScrollPane>
  );
}
