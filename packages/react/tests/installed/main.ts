/** A user's program in Node: signs in without Amplify, and prints what comes over each delivery. */

import {
  apiOf,
  createClient,
  loadOutputs,
  TokencastError,
  type AnswerEvent,
  type TokencastClient,
} from '@tokencast/client';
import WebSocket from 'ws';

const [url = '', username = '', password = ''] = process.argv.slice(2);
const outputs = await loadOutputs(`${url}/amplify_outputs.json`);
const response = await fetch(outputs.custom?.tokencast?.user_pool_endpoint ?? '', {
  method: 'POST',
  headers: {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'AWSCognitoIdentityProviderService.InitiateAuth',
  },
  body: JSON.stringify({
    AuthFlow: 'USER_PASSWORD_AUTH',
    ClientId: outputs.auth.user_pool_client_id,
    AuthParameters: { USERNAME: username, PASSWORD: password },
  }),
});
const signedIn = (await response.json()) as { AuthenticationResult: { AccessToken: string } };

async function answer(client: TokencastClient): Promise<string> {
  let text = '';
  let last: AnswerEvent | undefined;
  for await (const event of client.streamPrompt('Why do rivers meander?')) {
    if (event.type === 'restarted') text = '';
    if (event.type === 'text') text += event.text;
    last = event;
  }
  if (last?.type !== 'completed') throw new TypeError(`the last event is ${String(last?.type)}`);
  return text;
}

const api = apiOf(outputs);
const answers: Record<string, number> = {};
for (const delivery of api.deliveries) {
  const client = createClient({
    ...api,
    delivery,
    tokens: () => Promise.resolve(signedIn.AuthenticationResult.AccessToken),
    WebSocket,
  });
  answers[delivery] = (await answer(client)).length;
  const nobody = client.resumeStream('7d1c3a6e-6f1c-4b3c-9a55-0f6d3f0d6f11');
  try {
    for await (const event of nobody) throw new TypeError(event.type);
  } catch (error) {
    if (!(error instanceof TokencastError) || error.kind !== 'notFound') throw error;
  }
}
console.log(JSON.stringify(answers));
