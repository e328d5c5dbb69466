/** What can be done with a conversation, and with its turns. All of it is stable as long as the page shows the same conversation. */

import type { Conversation, ExportFormat } from '@tokencast/client';
import type { TurnView } from '@tokencast/react';

export interface ConversationActions {
  rename: (conversationId: string, title: string) => void;
  exportAs: (conversation: Conversation, format: ExportFormat) => void;
  /** Asks first. */
  remove: (conversation: Conversation) => void;
}

export interface TurnActions {
  /** Shows a field for another question in this one's place; `null`: none. */
  startEdit: (sessionId: string | null) => void;
  edit: (turn: TurnView, prompt: string) => void;
  regenerate: (turn: TurnView) => void;
  /** Follows the answer anew; a question that didn't arrive is sent again. */
  retry: (sessionId: string) => void;
  previous: (sessionId: string) => void;
  next: (sessionId: string) => void;
}
