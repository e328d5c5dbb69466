import { createRoot } from 'react-dom/client';

import { AssistantUi } from './AssistantUi';
import { settingsOf } from './settings';
import { wayOf } from './transports';

const settings = settingsOf(location.href);
const way = await wayOf(settings);
const messages = await way.messages();
const root = document.getElementById('root');
if (root) {
  createRoot(root).render(<AssistantUi id={settings.chatId} way={way} messages={messages} />);
}
