/** One question and its answer, beside the list of earlier ones. */

import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';

import { clientVia, type Api } from '../api';
import type { User } from '../App';
import { isOver } from '../hooks/answer_store';
import { useDelivery } from '../hooks/useDelivery';
import { useHistory } from '../hooks/useHistory';
import { goTo } from '../hooks/useRoute';
import { useStream } from '../hooks/useStream';
import { Answer } from './Answer';
import { Composer, type ComposerHandle } from './Composer';
import { DeliverySelect } from './DeliverySelect';
import { LiveRegion } from './LiveRegion';
import { ScrollPane } from './ScrollPane';
import { Sidebar } from './Sidebar';
import { TopBar } from './TopBar';
import { Welcome } from './Welcome';

interface ChatPageProps {
  api: Api;
  sessionId: string | null;
  user: User;
  signOut: () => void;
}

export function ChatPage({ api, sessionId, user, signOut }: ChatPageProps): ReactNode {
  const [delivery, chooseDelivery] = useDelivery(api.deliveries);
  const client = useMemo(() => clientVia(api, delivery), [api, delivery]);
  const [answer, stream] = useStream(client);
  const history = useHistory(user.id);
  const [menuOpen, setMenuOpen] = useState(false);
  const composer = useRef<ComposerHandle>(null);

  useEffect(() => {
    if (sessionId === null) {
      stream.leave();
      composer.current?.focus();
    } else {
      stream.resume(sessionId);
    }
  }, [sessionId, stream]);

  const { add } = history;
  const ask = useCallback(
    (prompt: string): void => {
      const id = stream.ask(prompt);
      add(id, prompt);
      goTo({ page: 'chat', sessionId: id });
    },
    [stream, add],
  );
  const edit = useCallback((prompt: string): void => {
    composer.current?.write(prompt);
  }, []);
  const menuButton = useRef<HTMLButtonElement>(null);
  const openMenu = useCallback((): void => {
    setMenuOpen(true);
  }, []);
  const closeMenu = useCallback((): void => {
    setMenuOpen(false);
    // Back to where it was opened, if that is there.
    menuButton.current?.focus();
  }, []);

  const asked = history.sessions.find((session) => session.sessionId === sessionId);
  const title = asked?.prompt ?? (sessionId === null ? 'New question' : 'Answer');
  useEffect(() => {
    document.title = `${title.slice(0, 60)} · Tokencast`;
  }, [title]);
  const busy = !isOver(answer.phase);
  return (
    <div className="chat">
      <Sidebar
        history={history}
        current={sessionId}
        open={menuOpen}
        close={closeMenu}
        user={user}
        signOut={signOut}
      />
      <main className="conversation" aria-label="Conversation" inert={menuOpen}>
        <TopBar title={title} menuOpen={menuOpen} openMenu={openMenu} menuButton={menuButton}>
          <DeliverySelect deliveries={api.deliveries} delivery={delivery} choose={chooseDelivery} />
        </TopBar>
        <ScrollPane follow={`${answer.phase} ${answer.text.length}`} key={sessionId}>
          {sessionId === null ? (
            <Welcome ask={ask} />
          ) : (
            <Answer
              answer={answer}
              prompt={asked?.prompt ?? null}
              askAgain={ask}
              edit={edit}
              reload={() => {
                stream.reload(sessionId);
              }}
            />
          )}
        </ScrollPane>
        <Composer
          ref={composer}
          busy={busy}
          stopping={answer.stopping}
          ask={ask}
          stop={stream.stop}
        />
      </main>
      <LiveRegion answer={answer} />
    </div>
  );
}
