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

/** A page's address with its settings in it: a reload keeps them. */
export function addressOf(page: string, settings: Settings): string {
  return `${page}?${new URLSearchParams({ settings: JSON.stringify(settings) })}`;
}

/** The settings in a page's address. */
export function settingsOf(address: string): Settings {
  const settings = new URL(address).searchParams.get('settings');
  if (settings === null) throw new Error('the address has no settings');
  return JSON.parse(settings) as Settings;
}
