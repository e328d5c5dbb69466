import { loadOutputs } from '@tokencast/client';
import { configure, createAmplifyClient } from '@tokencast/client/amplify';
import { createRoot } from 'react-dom/client';

import { App } from './App';

// The local stack writes the file; so does Amplify, and `npm run outputs` after a deployment by CDK.
const client = createAmplifyClient(configure(await loadOutputs('/amplify_outputs.json')));

const root = document.getElementById('root');
if (root) createRoot(root).render(<App client={client} />);
