/** Configures Amplify from `amplify_outputs.json`, then shows the page. */

import '@aws-amplify/ui-react/styles.css';
import './styles/base.css';
import './styles/chat.css';
import './styles/sidebar.css';
import './styles/conversation.css';
import './styles/composer.css';
import './styles/welcome.css';
import './styles/markdown.css';
import './styles/answer.css';
import './styles/content.css';
import './styles/dialog.css';
import './styles/touch.css';

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { loadOutputs } from '@tokencast/client';
import { configure } from '@tokencast/client/amplify';
import { App } from './App';
import { canonicalAddress } from './hooks/useRoute';
import { NoApi } from './NoApi';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
const page = createRoot(root);

const canonical = canonicalAddress(window.location);
if (canonical !== null) window.history.replaceState(null, '', canonical);

loadOutputs().then(
  (outputs) => {
    page.render(
      <StrictMode>
        <App api={configure(outputs)} />
      </StrictMode>,
    );
  },
  (error: unknown) => {
    page.render(<NoApi reason={error instanceof Error ? error.message : String(error)} />);
  },
);
