import type { TokencastClient } from '@tokencast/client';
import { isOver, useStream } from '@tokencast/react';
import { fetchAuthSession, signIn } from 'aws-amplify/auth';
import { useEffect, useState } from 'react';

export function App({ client }: { client: TokencastClient }) {
  const [signedIn, setSignedIn] = useState<boolean>();
  useEffect(() => {
    void fetchAuthSession().then((session) => {
      setSignedIn(session.tokens !== undefined);
    });
  }, []);

  if (signedIn === undefined) return null;
  if (!signedIn) return <SignIn onDone={() => setSignedIn(true)} />;
  return <Chat client={client} />;
}

function SignIn({ onDone }: { onDone: () => void }) {
  const [failure, setFailure] = useState('');

  async function submit(form: FormData) {
    const username = String(form.get('username'));
    const password = String(form.get('password'));
    try {
      await signIn({ username, password });
      onDone();
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <form action={submit}>
      <label>
        Username <input name="username" autoComplete="username" required />
      </label>
      <label>
        Password <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <button>Sign in</button>
      <p role="alert">{failure}</p>
    </form>
  );
}

function Chat({ client }: { client: TokencastClient }) {
  const [answer, { ask, stop }] = useStream(client);
  const running = answer.phase !== 'idle' && !isOver(answer.phase);

  return (
    <main>
      <form action={(form) => void ask(String(form.get('prompt')))}>
        <input name="prompt" aria-label="Your question" required />
        <button disabled={running}>Ask</button>
        <button type="button" onClick={stop} disabled={!running}>
          Stop
        </button>
      </form>
      <article aria-busy={running}>{answer.text}</article>
      <p role="alert">{answer.error?.message}</p>
    </main>
  );
}
