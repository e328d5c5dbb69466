/** What a test tells its page. */

import type { Delivery } from '@tokencast/client';

/** How answers come: over one of our deliveries by our transport, or by a transport of the AI SDK's own. */
export type Via = Delivery | 'http' | 'ai-websocket';

export interface Settings {
  via: Via;
  chatId: string;
  /** Of the user: a JWT. */
  token: string;
  graphqlUrl: string;
  streamUrl: string;
  webSocketUrl: string;
}

declare global {
  interface Window {
    settings: Settings;
  }
}
