/** GraphiQL, signed in as the user. */

import './workers';
import 'graphiql/style.css';
import '../styles/playground.css';

import { GraphiQL } from 'graphiql';
import { useCallback, useState, type ReactNode } from 'react';

import type { Api } from '@tokencast/client';
import { execute, type Headers, type Operation } from '../api/playground';
import { hrefOf } from '../hooks/useRoute';
import { useTheme } from '../hooks/useTheme';
import { Logo } from '../ui/Logo';
import { ThemeButton } from '../ui/ThemeButton';
import { examples, initialEditor, startAnew } from './examples';
import { RequestPanel } from './RequestPanel';

interface PlaygroundPageProps {
  api: Api;
  /** The `sub` of whom is signed in. */
  owner: string;
}

export default function PlaygroundPage({ api, owner }: PlaygroundPageProps): ReactNode {
  const [theme] = useTheme();
  const [own, setOwn] = useState<Headers>({});
  const [tabs, setTabs] = useState(() => examples(owner));
  const fetcher = useCallback(
    (operation: Operation, options?: { headers?: Headers }) => {
      const headers = options?.headers ?? {};
      setOwn(headers);
      // An answer as it came, or events: GraphiQL tells them apart.
      return execute(api.graphqlUrl, operation, headers) as Promise<never>;
    },
    [api],
  );
  return (
    <div className="playground">
      <header className="playground-bar">
        <a href={hrefOf({ page: 'chat', conversationId: null })} aria-label="To the chat page">
          <Logo />
        </a>
        <h1>GraphQL playground</h1>
        <RequestPanel api={api} own={own} />
        <a className="plain" href={hrefOf({ page: 'playground' })} target="_blank" rel="noopener">
          Second window
        </a>
        <button
          type="button"
          className="plain"
          title="The examples again, with new ids"
          onClick={() => {
            setTabs(startAnew(owner));
          }}
        >
          New session
        </button>
        <ThemeButton />
      </header>
      <main>
        <GraphiQL
          key={tabs[0]?.variables}
          {...initialEditor(tabs)}
          fetcher={fetcher}
          defaultTabs={tabs}
          defaultEditorToolsVisibility={isNarrow() ? false : 'variables'}
          forcedTheme={theme}
        >
          <GraphiQL.Logo>
            <></>
          </GraphiQL.Logo>
        </GraphiQL>
      </main>
    </div>
  );
}

/** Where there is room for the query and its answer only; the variables are one tap away. */
function isNarrow(): boolean {
  return window.matchMedia('(width <= 48rem)').matches;
}
