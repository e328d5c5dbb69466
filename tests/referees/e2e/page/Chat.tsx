/** A page as the AI SDK's documentation makes them: `useChat`, and nothing else of one's own but the transport. */

import { Chat as Sdk, useChat } from '@ai-sdk/react';
import type { ChatInit, UIMessage } from 'ai';
import { useEffect, useRef, useState } from 'react';

import type { Way } from './transports';

/** Errors that aren't of a lost connection, but are mended in the same way. */
const IS_RESUMABLE = /resume it|Out-of-order/;

interface ChatProps {
  id: string;
  way: Way;
  messages: UIMessage[];
}

export function Chat({ id, way, messages: before }: ChatProps) {
  const disconnected = useRef(false);
  const init: ChatInit<UIMessage> = {
    id,
    transport: way.transport,
    messages: before,
    onFinish: ({ isDisconnect }) => {
      disconnected.current = isDisconnect;
    },
  };
  // The hook of `ai` 6 forgets of a transport of its options that what is resumed is a replay; a chat doesn't.
  const [made] = useState(() => new Sdk(init));
  const chat = useChat(
    import.meta.env.VITE_AI === '6' ? { chat: made, resume: true } : { ...init, resume: true },
  );
  const { status, error, resumeStream, setMessages } = chat;
  // As the documentation has it: an answer whose connection was lost is resumed.
  useEffect(() => {
    if (status !== 'error' || !(disconnected.current || IS_RESUMABLE.test(error?.message ?? ''))) {
      return;
    }
    disconnected.current = false;
    const resume = async () => {
      await resumeStream();
      if (way.foundNothing()) setMessages(await way.messages());
    };
    void resume();
  }, [status, error, resumeStream, setMessages, way]);

  const field = useRef<HTMLInputElement>(null);
  const written = () => field.current?.value ?? '';
  return (
    <main data-status={status}>
      {chat.messages.map((message) => (
        <article key={message.id} data-id={message.id} aria-label={message.role}>
          {message.parts.map((part, index) => (
            <Part key={index} part={part} />
          ))}
          {message.role === 'user' ? (
            <button
              onClick={() => {
                void chat.sendMessage({ text: written(), messageId: message.id });
              }}
            >
              Edit
            </button>
          ) : null}
        </article>
      ))}
      <input ref={field} aria-label="Prompt" />
      <button
        onClick={() => {
          void chat.sendMessage({ text: written() });
        }}
      >
        Send
      </button>
      <button
        onClick={() => {
          void chat.regenerate();
        }}
      >
        Regenerate
      </button>
      <button
        onClick={() => {
          void chat.stop();
          void way.stopModel();
        }}
      >
        Stop
      </button>
      <p role="alert">{error?.message}</p>
    </main>
  );
}

function Part({ part }: { part: UIMessage['parts'][number] }) {
  switch (part.type) {
    case 'text':
      return <p data-part="text">{part.text}</p>;
    case 'reasoning':
      return <p data-part="reasoning">{part.text}</p>;
    default:
      return null;
  }
}
