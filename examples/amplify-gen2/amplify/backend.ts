import { defineBackend } from '@aws-amplify/backend';
import { TokenStream } from '@tokencast/cdk';

import { auth } from './auth/resource';
import { data } from './data/resource';

const backend = defineBackend({ auth, data });

// A stack of its own. It refers to the user pool's stack, and nothing of Amplify's refers to it.
const chat = new TokenStream(backend.createStack('Tokencast'), 'Chat', {
  model: { id: 'amazon.nova-lite-v1:0' },
  userPool: backend.auth.resources.userPool,
});

// `configure` finds the API here. Amplify's own `data` stays the API of `defineData`.
backend.addOutput({
  custom: { tokencast: { graphql_url: chat.graphqlUrl } },
});
