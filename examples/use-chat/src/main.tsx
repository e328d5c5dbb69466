import { loadOutputs } from '@tokencast/client';
import { TokencastChatTransport } from '@tokencast/client/ai-sdk';
import { configure, createAmplifyClient } from '@tokencast/client/amplify';
import type { UIMessage } from 'ai';
import { fetchAuthSession, signIn } from 'aws-amplify/auth';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

import { Chat } from './Chat';

const client = createAmplifyClient(configure(await loadOutputs('/amplify_outputs.json')));
const transport = new TokencastChatTransport(client);

/** The same chat for the same user, on each device and after each reload. */
const CHAT_ID = 'example';

function App({ signedIn }: { signedIn: UIMessage[] | null }) {
  const [messages, setMessages] = useState(signedIn);
  const [failure, setFailure] = useState('');
  if (messages) return <Chat id={CHAT_ID} transport={transport} messages={messages} />;

  async function submit(form: FormData) {
    const username = String(form.get('username'));
    const password = String(form.get('password'));
    try {
      await signIn({ username, password });
      setMessages(await transport.messages(CHAT_ID));
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

const { tokens } = await fetchAuthSession();
const signedIn = tokens ? await transport.messages(CHAT_ID) : null;
const root = document.getElementById('root');
if (root) createRoot(root).render(<App signedIn={signedIn} />);
