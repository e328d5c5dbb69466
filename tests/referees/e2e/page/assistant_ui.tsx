import { createRoot } from 'react-dom/client';

import { AssistantUi } from './AssistantUi';
import { wayOf } from './transports';

const { settings } = window;
const way = await wayOf(settings);
const messages = await way.messages();
const root = document.getElementById('root');
if (root) {
  createRoot(root).render(<AssistantUi id={settings.chatId} way={way} messages={messages} />);
}
