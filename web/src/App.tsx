/** Sign-in, and the page behind it. */

import { Authenticator, ThemeProvider } from '@aws-amplify/ui-react';
import { lazy, Suspense, useLayoutEffect, type JSX, type ReactNode } from 'react';

import type { Api } from '@tokencast/client';
import { ChatPage } from './chat/ChatPage';
import { forget, SIGNED_OUT_KEY } from './hooks/forget';
import { goTo, useRoute } from './hooks/useRoute';
import { useTheme } from './hooks/useTheme';
import { useHasExpired, useWhoIsSignedIn } from './hooks/useWhoIsSignedIn';
import { Logo } from './ui/Logo';
import { ThemeButton } from './ui/ThemeButton';

/** An editor of some megabytes, for those who want it. */
const PlaygroundPage = lazy(() => import('./playground/PlaygroundPage'));

export interface User {
  id: string;
  name: string;
}

export function App({ api }: { api: Api }): ReactNode {
  const [theme] = useTheme();
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return (
    <ThemeProvider colorMode={theme}>
      <Authenticator hideSignUp={!api.selfSignUp} components={api.local ? LOCAL : DEPLOYED}>
        {({ user, signOut }) =>
          user ? (
            <SignedIn
              api={api}
              user={{ id: user.userId, name: user.signInDetails?.loginId ?? user.username }}
              signOut={() => {
                leaveNothing();
                signOut?.();
              }}
            />
          ) : (
            <></>
          )
        }
      </Authenticator>
    </ThemeProvider>
  );
}

/** Before the tokens go: the page that is open writes nothing more then. */
function leaveNothing(): void {
  goTo({ page: 'chat', conversationId: null });
  localStorage.setItem(SIGNED_OUT_KEY, '1');
  forget();
}

interface SignedInProps {
  api: Api;
  user: User;
  signOut: () => void;
}

function SignedIn({ api, user, signOut }: SignedInProps): ReactNode {
  const route = useRoute();
  useWhoIsSignedIn(user.id);
  if (route.page === 'chat') {
    // Another user starts with nothing of the last one's.
    return (
      <ChatPage
        key={user.id}
        api={api}
        routed={route.conversationId}
        user={user}
        signOut={signOut}
      />
    );
  }
  return (
    <Suspense fallback={<p className="notice">Loading the playground …</p>}>
      <PlaygroundPage api={api} owner={user.id} />
    </Suspense>
  );
}

function Header(): JSX.Element {
  const expired = useHasExpired();
  return (
    <header className="sign-in-header">
      <Logo />
      <h1>Tokencast</h1>
      {expired ? (
        <p className="expired" role="status">
          Your sign-in has expired. Sign in again, and you are back where you were.
        </p>
      ) : (
        <p>Ask a model, and read its answer as it is written.</p>
      )}
      <ThemeButton />
    </header>
  );
}

const DEPLOYED = { Header };
/** The local stack sends no mail, so that nobody can get a new password there. */
const LOCAL = { Header, Footer: LocalFooter, SignIn: { Footer: () => null } };

function LocalFooter(): JSX.Element {
  return (
    <p className="sign-in-footer">
      Local stack: the terminal of <code>tokencast dev</code> names two users.
    </p>
  );
}
