import { createRoot } from 'react-dom/client';

import { Chat } from './Chat';
import { settingsOf } from './settings';
import { wayOf } from './transports';

const settings = settingsOf(location.href);
const way = await wayOf(settings);
const messages = await way.messages();
const root = document.getElementById('root');
if (root) createRoot(root).render(<Chat id={settings.chatId} way={way} messages={messages} />);
