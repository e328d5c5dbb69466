/** The conversations, the newest first: read page by page as the reader scrolls, and searched by their titles. */

import type { ReactNode, Ref } from 'react';

import type { ConversationsView } from '@tokencast/react';
import type { ConversationActions } from '../conversation/actions';
import { useSearch } from '../hooks/useSearch';
import type { UnsentQuestion } from '../hooks/useUnsent';
import { Entry } from './Entry';
import { ListEnd } from './ListEnd';
import { SearchField } from './SearchField';
import { UnsentEntry } from './UnsentEntry';
import { groupsByDay } from './days';

interface ConversationListProps {
  list: ConversationsView;
  unsent: readonly UnsentQuestion[];
  discard: (question: UnsentQuestion) => void;
  current: string | null;
  searchField: Ref<HTMLInputElement>;
  actions: ConversationActions;
  /** One of them was chosen. */
  opened: () => void;
}

export function ConversationList(props: ConversationListProps): ReactNode {
  const { list, current, searchField, actions, opened } = props;
  const { query, setQuery, found, searching } = useSearch(list);
  const isSearch = query.trim() !== '';
  const known = new Set(list.items.map(({ conversationId }) => conversationId));
  const waiting = props.unsent.filter(({ conversationId }) => !known.has(conversationId));
  const isEmpty = list.state === 'ready' && list.items.length === 0 && waiting.length === 0;
  if (isEmpty) return <p className="hint">Your conversations show up here.</p>;
  return (
    <>
      <SearchField ref={searchField} query={query} setQuery={setQuery} />
      <p className="hidden" role="status">
        {isSearch ? foundInWords(found.length, searching) : ''}
      </p>
      <div className="conversations">
        {!isSearch && waiting.length > 0 && (
          <ul aria-label="Not sent">
            {waiting.map((question) => (
              <UnsentEntry
                key={question.sessionId}
                question={question}
                current={question.conversationId === current}
                opened={opened}
                discard={props.discard}
              />
            ))}
          </ul>
        )}
        {groupsByDay(found).map(({ name, conversations }) => (
          <section key={name} aria-label={name}>
            <h2>{name}</h2>
            <ul>
              {conversations.map((conversation) => (
                <Entry
                  key={conversation.conversationId}
                  conversation={conversation}
                  current={conversation.conversationId === current}
                  actions={actions}
                  opened={opened}
                />
              ))}
            </ul>
          </section>
        ))}
        {isSearch && !searching && found.length === 0 && (
          <p className="hint">No title has these words.</p>
        )}
        <ListEnd list={list} searching={searching} />
      </div>
    </>
  );
}

function foundInWords(count: number, searching: boolean): string {
  if (searching) return 'Searching …';
  if (count === 0) return 'No title has these words.';
  return count === 1 ? 'One conversation found.' : `${count} conversations found.`;
}
