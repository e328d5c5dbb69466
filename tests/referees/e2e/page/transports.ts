/** The transport that the test has chosen, and what a page does beside it. */

import { createClient } from '@tokencast/client';
import { TokencastChatTransport } from '@tokencast/client/ai-sdk';
import { DefaultChatTransport, type ChatTransport, type UIMessage, type UIMessageChunk } from 'ai';

import type { Settings } from './settings';

export interface Way {
  transport: ChatTransport<UIMessage>;
  /** What there is of the chat. */
  messages(): Promise<UIMessage[]>;
  /** What a page does for the model to stop, beside `chat.stop()`. */
  stopModel(): Promise<void>;
  /** Whether the last resumption found nothing that runs. Then an answer whose connection was lost is over, and can be loaded. */
  foundNothing(): boolean;
}

export async function wayOf(settings: Settings): Promise<Way> {
  const { via } = settings;
  if (via === 'http' || via === 'ai-websocket') return byProtocol(settings);
  const { token, chatId, ...urls } = settings;
  const client = createClient({ ...urls, delivery: via, tokens: () => Promise.resolve(token) });
  const transport = new TokencastChatTransport(client);
  return {
    ...observed(transport),
    messages: () => transport.messages(chatId),
    stopModel: () => Promise.resolve(),
  };
}

/** Nothing of ours: the transports of the AI SDK, and plain requests for what it has no words for. */
async function byProtocol({ via, token, chatId, streamUrl, webSocketUrl }: Settings): Promise<Way> {
  const api = `${streamUrl}ai-sdk`;
  const headers = { authorization: `Bearer ${token}` };
  const chat = `${api}/${encodeURIComponent(chatId)}`;
  return {
    ...observed(
      via === 'http'
        ? new DefaultChatTransport({ api, headers })
        : await webSocketTransport(webSocketUrl, token),
    ),
    messages: async () => {
      const response = await fetch(`${chat}/messages`, { headers });
      if (!response.ok) throw new Error(await response.text());
      return (await response.json()) as UIMessage[];
    },
    stopModel: async () => {
      // A socket tells of it by itself.
      if (via === 'http') await fetch(`${chat}/stream`, { method: 'DELETE', headers });
    },
  };
}

/** Which `ai` 6 doesn't have. */
async function webSocketTransport(url: string, token: string): Promise<ChatTransport<UIMessage>> {
  const { WebSocketChatTransport } = await import('ai');
  return new WebSocketChatTransport({ url, params: { token } });
}

interface Observed {
  transport: ChatTransport<UIMessage>;
  foundNothing(): boolean;
}

/** Says in the page's root when it is known whether an answer runs: the SDK's chats say nothing of it. */
function observed(transport: ChatTransport<UIMessage>): Observed {
  const reconnect = transport.reconnectToStream.bind(transport);
  let found = false;
  transport.reconnectToStream = async (options) => {
    found = false;
    try {
      const stream = await reconnect(options);
      // Where a response without a body isn't possible, nothing is a stream without chunks.
      const notice = new TransformStream<UIMessageChunk, UIMessageChunk>({
        transform: (chunk, controller) => {
          found = true;
          controller.enqueue(chunk);
        },
      });
      return stream?.pipeThrough(notice) ?? null;
    } finally {
      document.documentElement.dataset.looked = 'true';
    }
  };
  return { transport, foundNothing: () => !found };
}
