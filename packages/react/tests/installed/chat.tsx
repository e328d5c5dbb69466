/** A user's page: a chat of the AI SDK, and conversations of their own. */

import { useChat } from '@ai-sdk/react';
import type { TokencastClient } from '@tokencast/client';
import { TokencastChatTransport } from '@tokencast/client/ai-sdk';
import { useConversation, useConversations } from '@tokencast/react';
import { useState } from 'react';

export function Chat({ client, id }: { client: TokencastClient; id: string }) {
  const [transport] = useState(() => new TokencastChatTransport(client));
  const { messages, sendMessage, stop } = useChat({ id, transport, resume: true });
  return (
    <div onDoubleClick={() => void stop()} onClick={() => void sendMessage({ text: 'Why?' })}>
      {messages.flatMap(({ parts }) =>
        parts.map((part) => (part.type === 'text' ? part.text : '')),
      )}
    </div>
  );
}

export function Conversation({ client, id }: { client: TokencastClient; id: string }) {
  const { items, more } = useConversations(client);
  const { path, ask } = useConversation(client, id);
  return (
    <div onDoubleClick={more} onClick={() => ask('Why?')}>
      {items.map(({ title }) => title)}
      {path.map(({ prompt, answer }) => `${prompt} ${answer.text}`)}
    </div>
  );
}
