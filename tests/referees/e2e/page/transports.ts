/** The transport that the test has chosen, and what a page does beside it. */

import { createClient } from '@tokencast/client';
import { TokencastChatTransport } from '@tokencast/client/ai-sdk';
import type { ChatTransport, UIMessage } from 'ai';

import type { Settings } from './settings';

export interface Way {
  transport: ChatTransport<UIMessage>;
  /** What there is of the chat. */
  messages(): Promise<UIMessage[]>;
  /** What a page does for the model to stop, beside `chat.stop()`. */
  stopModel(): Promise<void>;
}

export function wayOf(settings: Settings): Way {
  const { via, token, chatId, ...urls } = settings;
  if (via === 'http' || via === 'ai-websocket') throw new TypeError(`no transport for ${via}`);
  const client = createClient({ ...urls, delivery: via, tokens: () => Promise.resolve(token) });
  const transport = new TokencastChatTransport(client);
  return {
    transport: observed(transport),
    messages: () => transport.messages(chatId),
    stopModel: () => Promise.resolve(),
  };
}

/** Says in the page's root when it is known whether an answer runs: the SDK's chats say nothing of it. */
function observed<T extends ChatTransport<UIMessage>>(transport: T): T {
  const reconnect = transport.reconnectToStream.bind(transport);
  transport.reconnectToStream = async (options) => {
    try {
      return await reconnect(options);
    } finally {
      document.documentElement.dataset.looked = 'true';
    }
  };
  return transport;
}
