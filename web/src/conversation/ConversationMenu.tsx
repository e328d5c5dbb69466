/** What can be done with a conversation as a whole. */

import type { ReactNode } from 'react';

import type { Conversation } from '@tokencast/client';
import type { ConversationActions } from './actions';
import { DownloadIcon, EditIcon, TrashIcon } from '../ui/icons';
import { Menu } from '../ui/Menu';

interface ConversationMenuProps {
  label: string;
  conversation: Conversation;
  /** Shows a field for another title. */
  rename: () => void;
  actions: ConversationActions;
}

export function ConversationMenu(props: ConversationMenuProps): ReactNode {
  const { label, conversation, rename, actions } = props;
  return (
    <Menu
      label={label}
      items={[
        { label: 'Rename', Icon: EditIcon, act: rename },
        {
          label: 'Export as Markdown',
          Icon: DownloadIcon,
          act: () => {
            actions.exportAs(conversation, 'MARKDOWN');
          },
        },
        {
          label: 'Export as JSON',
          Icon: DownloadIcon,
          act: () => {
            actions.exportAs(conversation, 'JSON');
          },
        },
        {
          label: 'Delete',
          Icon: TrashIcon,
          isGrave: true,
          act: () => {
            actions.remove(conversation);
          },
        },
      ]}
    />
  );
}
