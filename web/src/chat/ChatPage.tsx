/** A conversation, beside the list of all of them. */

import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';

import type { Api } from '@tokencast/client';
import { createAmplifyClient } from '@tokencast/client/amplify';
import { isOver, useAssistants, useConversation, useConversations } from '@tokencast/react';
import type { User } from '../App';
import { DeleteDialog } from '../conversation/DeleteDialog';
import { LiveRegion } from '../conversation/LiveRegion';
import { ConversationPane } from '../conversation/ConversationPane';
import { useAssistant } from '../hooks/useAssistant';
import { useConversationActions } from '../hooks/useConversationActions';
import { useConversationId } from '../hooks/useConversationId';
import { useDelivery } from '../hooks/useDelivery';
import { useMenu } from '../hooks/useMenu';
import { useQuestions } from '../hooks/useQuestions';
import { keepDraft } from '../hooks/useDraft';
import { goTo } from '../hooks/useRoute';
import { useUnsent, type UnsentQuestion } from '../hooks/useUnsent';
import { useWaiting } from '../hooks/useWaiting';
import { Sidebar } from '../sidebar/Sidebar';
import { Notice } from '../ui/Notice';
import { AssistantSelect } from './AssistantSelect';
import { Composer, type ComposerHandle } from './Composer';
import { DeliverySelect } from './DeliverySelect';
import type { PageAction } from './keys';
import { SettingsDialog } from './SettingsDialog';
import { tabTitle, titleOf } from './title';
import { TopBar } from './TopBar';
import { useShortcuts } from './useShortcuts';

interface ChatPageProps {
  api: Api;
  /** Of the address; `null` where a conversation begins. */
  routed: string | null;
  user: User;
  signOut: () => void;
}

export function ChatPage({ api, routed, user, signOut }: ChatPageProps): ReactNode {
  const [delivery, chooseDelivery] = useDelivery(api.deliveries);
  const client = useMemo(() => createAmplifyClient(api, { delivery }), [api, delivery]);
  const { conversationId, isNew } = useConversationId(routed);
  const list = useConversations(client);
  const view = useConversation(client, conversationId, { isNew });
  const unsent = useUnsent(user.id);
  const composer = useRef<ComposerHandle>(null);
  const { answer, path, stop: stopIt, discard } = view;

  const assistants = useAssistants(client);
  const assistant = useAssistant(assistants, view.conversation, conversationId);
  const { chosen, current, choose } = assistant;
  // The same as long as the choice is: the composer isn't rendered with each token.
  const assistantSelect = useMemo(
    () => <AssistantSelect {...{ assistants, chosen, current, choose }} />,
    [assistants, chosen, current, choose],
  );
  const { ask, turns, editing, asked } = useQuestions(view, conversationId, unsent, chosen, show);
  const left = useCallback(
    (gone: string): void => {
      for (const question of unsent.questions) {
        if (question.conversationId === gone) unsent.remove(question.sessionId);
      }
      if (gone === conversationId) goTo({ page: 'chat', conversationId: null });
    },
    [conversationId, unsent],
  );
  const changes = useConversationActions(client, list, left);
  const askFirst = useCallback(
    (prompt: string): void => {
      ask(prompt);
      composer.current?.focus();
    },
    [ask],
  );
  const discardIt = useCallback(
    ({ conversationId: gone, sessionId }: UnsentQuestion): void => {
      discard(sessionId);
      unsent.remove(sessionId);
      left(gone);
    },
    [discard, unsent, left],
  );
  const isFirst = path.length === 1;
  const stop = useCallback((): void => {
    if (answer.phase !== 'unsent' || answer.sessionId === null) {
      stopIt();
      return;
    }
    // Nobody has heard of it: it goes back to where it was written.
    const question = discard(answer.sessionId);
    unsent.remove(answer.sessionId);
    if (isFirst) {
      if (question) keepDraft(user.id, NEW, question.prompt);
      goTo({ page: 'chat', conversationId: null });
    } else if (question) composer.current?.write(question.prompt);
  }, [answer.phase, answer.sessionId, stopIt, discard, unsent, isFirst, user.id]);

  const { menuOpen, menuButton, searchField, openMenu, closeMenu, hideMenu, search } = useMenu();
  const [settingsOpen, setSettingsOpen] = useState(false);
  const openSettings = useCallback((): void => {
    closeMenu();
    setSettingsOpen(true);
  }, [closeMenu]);
  const act = useCallback(
    (action: PageAction): void => {
      // The menu's own key.
      if (action === 'stop' && menuOpen) return;
      if (action === 'search') {
        search();
        return;
      }
      hideMenu();
      if (action === 'stop') stop();
      else composer.current?.focus();
      if (action === 'newConversation') goTo({ page: 'chat', conversationId: null });
    },
    [menuOpen, search, hideMenu, stop],
  );
  useShortcuts(act);
  useEffect(() => {
    if (routed === null) composer.current?.focus();
  }, [routed]);

  const title = titleOf(view);
  useEffect(() => {
    document.title = tabTitle(title);
  }, [title]);
  const held = useWaiting(client, answer);
  const askedAt = new Date(path.at(-1)?.createdAt ?? 0).getTime();
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
        list={list}
        unsent={unsent.questions}
        discard={discardIt}
        current={routed}
        open={menuOpen}
        close={closeMenu}
        searchField={searchField}
        actions={changes.actions}
        user={user}
        openSettings={openSettings}
        signOut={signOut}
      />
      <main className="conversation" aria-label="Conversation" inert={menuOpen}>
        <TopBar
          title={title}
          conversation={view.conversation}
          actions={changes.actions}
          menuOpen={menuOpen}
          openMenu={openMenu}
          menuButton={menuButton}
        />
        <Notice words={changes.notice} close={changes.closeNotice} />
        <ConversationPane
          key={conversationId}
          view={view}
          isNew={isNew}
          asked={asked}
          held={held}
          editing={editing}
          turns={turns}
          ask={askFirst}
        />
        <Composer
          ref={composer}
          userId={user.id}
          place={routed ?? NEW}
          lastPrompt={path.at(-1)?.prompt}
          busy={!isOver(answer.phase)}
          stopping={answer.stopping}
          ask={ask}
          stop={stop}
        >
          {assistantSelect}
        </Composer>
      </main>
      <LiveRegion answer={answer} wait={{ held, askedAt }} />
      <DeleteDialog conversation={changes.doomed} close={changes.spare} remove={changes.remove} />
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

/** Where the draft of a first question belongs. */
const NEW = 'new';

function show(conversationId: string): void {
  goTo({ page: 'chat', conversationId });
}
