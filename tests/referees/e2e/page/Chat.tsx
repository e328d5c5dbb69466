/** A page as the AI SDK's documentation makes them: `useChat`, and nothing else of one's own but the transport. */

import type { UIMessage } from 'ai';
import { useRef } from 'react';

import type { Way } from './transports';
import { useResuming } from './useResuming';

interface ChatProps {
  id: string;
  way: Way;
  messages: UIMessage[];
}

export function Chat({ id, way, messages: before }: ChatProps) {
  const chat = useResuming(id, way, before);
  const { status, error } = chat;
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
