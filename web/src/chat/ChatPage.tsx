/** One question and its answer, beside the list of earlier ones. */

import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';

import type { Api } from '@tokencast/client';
import { createAmplifyClient } from '@tokencast/client/amplify';
import { isOver, useStream } from '@tokencast/react';
import type { User } from '../App';
import { useDelivery } from '../hooks/useDelivery';
import { useHistory } from '../hooks/useHistory';
import { goTo } from '../hooks/useRoute';
import { useWaiting } from '../hooks/useWaiting';
import { Answer } from './Answer';
import { Composer, type ComposerHandle } from './Composer';
import { DeliverySelect } from './DeliverySelect';
import { LiveRegion } from './LiveRegion';
import type { PageAction } from './keys';
import { ScrollPane } from './ScrollPane';
import { SettingsDialog } from './SettingsDialog';
import { Sidebar } from './Sidebar';
import { pageTitle, tabTitle } from './title';
import { TopBar } from './TopBar';
import { useShortcuts } from './useShortcuts';
import { Welcome } from './Welcome';

interface ChatPageProps {
  api: Api;
  sessionId: string | null;
  user: User;
  signOut: () => void;
}

export function ChatPage({ api, sessionId, user, signOut }: ChatPageProps): ReactNode {
  const [delivery, chooseDelivery] = useDelivery(api.deliveries);
  const client = useMemo(() => createAmplifyClient(api, { delivery }), [api, delivery]);
  const [answer, stream] = useStream(client);
  const history = useHistory(user.id);
  const [menuOpen, setMenuOpen] = useState(false);
  const composer = useRef<ComposerHandle>(null);

  const asked = history.sessions.find((session) => session.sessionId === sessionId);
  const unsent = asked?.unsent === true ? asked.prompt : null;
  useEffect(() => {
    if (sessionId === null) {
      stream.leave();
      composer.current?.focus();
    } else {
      stream.resume(sessionId, unsent);
    }
  }, [sessionId, unsent, stream]);

  const { add, sent, remove } = history;
  useEffect(() => {
    if (answer.sessionId !== null && answer.sent) sent(answer.sessionId);
  }, [answer.sessionId, answer.sent, sent]);
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
  const stop = useCallback((): void => {
    if (answer.phase !== 'unsent' || answer.sessionId === null) {
      stream.stop();
      return;
    }
    // Nobody has heard of it: it goes back to where it was written.
    if (unsent !== null) composer.current?.write(unsent);
    remove(answer.sessionId);
    goTo({ page: 'chat', sessionId: null });
  }, [answer.phase, answer.sessionId, stream, unsent, remove]);
  const menuButton = useRef<HTMLButtonElement>(null);
  const openMenu = useCallback((): void => {
    setMenuOpen(true);
  }, []);
  const closeMenu = useCallback((): void => {
    setMenuOpen(false);
    // Back to where it was opened, if that is there.
    menuButton.current?.focus();
  }, []);

  const [settingsOpen, setSettingsOpen] = useState(false);
  const openSettings = useCallback((): void => {
    closeMenu();
    setSettingsOpen(true);
  }, [closeMenu]);
  const act = useCallback(
    (action: PageAction): void => {
      // The menu's own key.
      if (action === 'stop' && menuOpen) return;
      setMenuOpen(false);
      if (action === 'stop') stop();
      else composer.current?.focus();
      if (action === 'newQuestion') goTo({ page: 'chat', sessionId: null });
    },
    [menuOpen, stop],
  );
  useShortcuts(act);

  useEffect(() => {
    document.title = tabTitle(sessionId, asked?.prompt);
  }, [sessionId, asked?.prompt]);
  const busy = !isOver(answer.phase);
  const wait = { held: useWaiting(client, answer), askedAt: asked?.askedAt };
  return (
    <div className="chat">
      <button
        type="button"
        className="skip"
        onClick={() => {
          composer.current?.focus();
        }}
      >
        Skip to your question
      </button>
      <Sidebar
        history={history}
        current={sessionId}
        open={menuOpen}
        close={closeMenu}
        user={user}
        openSettings={openSettings}
        signOut={signOut}
      />
      <main className="conversation" aria-label="Conversation" inert={menuOpen}>
        <TopBar
          title={pageTitle(sessionId, asked?.askedAt)}
          menuOpen={menuOpen}
          openMenu={openMenu}
          menuButton={menuButton}
        />
        <ScrollPane key={sessionId}>
          {sessionId === null ? (
            <Welcome ask={ask} />
          ) : (
            <Answer
              answer={answer}
              prompt={asked?.prompt ?? null}
              wait={wait}
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
          userId={user.id}
          lastPrompt={history.sessions[0]?.prompt}
          busy={busy}
          stopping={answer.stopping}
          ask={ask}
          stop={stop}
        />
      </main>
      <LiveRegion answer={answer} wait={wait} />
      <SettingsDialog
        open={settingsOpen}
        close={() => {
          setSettingsOpen(false);
        }}
      >
        {api.deliveries.length > 1 && (
          <>
            <h3>For developers</h3>
            <DeliverySelect
              deliveries={api.deliveries}
              delivery={delivery}
              choose={chooseDelivery}
            />
          </>
        )}
      </SettingsDialog>
    </div>
  );
}
