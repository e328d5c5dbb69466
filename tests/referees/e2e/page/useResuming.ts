/** `useChat`, with what the AI SDK's documentation has a page do for an answer whose connection was lost. */

import { Chat as Sdk, useChat, type UseChatHelpers } from '@ai-sdk/react';
import type { ChatInit, UIMessage } from 'ai';
import { useEffect, useRef, useState } from 'react';

import type { Way } from './transports';

/** Errors that aren't of a lost connection, but are mended in the same way. */
const IS_RESUMABLE = /resume it|Out-of-order/;

export function useResuming(
  id: string,
  way: Way,
  messages: UIMessage[],
): UseChatHelpers<UIMessage> {
  const disconnected = useRef(false);
  const init: ChatInit<UIMessage> = {
    id,
    transport: way.transport,
    messages,
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
  return chat;
}
