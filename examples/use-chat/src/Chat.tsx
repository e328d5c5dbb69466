import { useChat } from '@ai-sdk/react';
import type { ChatTransport, UIMessage } from 'ai';

interface ChatProps {
  id: string;
  transport: ChatTransport<UIMessage>;
  messages: UIMessage[];
}

export function Chat({ id, transport, messages: before }: ChatProps) {
  // `resume` finds an answer that is still running, such as after a reload.
  const chat = useChat({ id, transport, messages: before, resume: true });
  const running = chat.status === 'submitted' || chat.status === 'streaming';

  return (
    <main aria-busy={running}>
      {chat.messages.map((message) => (
        <article key={message.id} aria-label={message.role === 'user' ? 'You' : 'Assistant'}>
          {message.parts.map((part, index) =>
            part.type === 'text' ? <span key={index}>{part.text}</span> : null,
          )}
        </article>
      ))}
      <form action={(form) => void chat.sendMessage({ text: String(form.get('prompt')) })}>
        <input name="prompt" aria-label="Your question" required />
        <button disabled={running}>Ask</button>
        <button type="button" onClick={() => void chat.stop()} disabled={!running}>
          Stop
        </button>
        <button type="button" onClick={() => void chat.regenerate()} disabled={running}>
          Again
        </button>
      </form>
      <p role="alert">{chat.error?.message}</p>
    </main>
  );
}
