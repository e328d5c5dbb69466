/** `@tokencast/client` in a page without Amplify and without a framework. */

import { fileURLToPath } from 'node:url';

import { build, type Rolldown } from 'vite';

import type * as Client from '@tokencast/client';

import { expect, test } from './support/fixtures';

const ENTRY = fileURLToPath(new URL('../../../packages/client/src/index.ts', import.meta.url));

test.use({
  // A document that a test made comes from no address, and the browser would ask its user whether it may reach this machine.
  launchOptions: async ({ launchOptions }, use) => {
    const args = [...(launchOptions.args ?? []), '--disable-features=LocalNetworkAccessChecks'];
    await use({ ...launchOptions, args });
  },
});

/** The library as one module. */
async function bundle(): Promise<string> {
  const lib = { entry: ENTRY, formats: ['es' as const], fileName: 'client' };
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    build: { lib, write: false },
  });
  const [output] = [built].flat() as Rolldown.RolldownOutput[];
  const [chunk] = output?.output ?? [];
  if (chunk === undefined) throw new Error('nothing was built');
  return chunk.code;
}

test('a user of any token provider gets their answer over each delivery', async ({
  page,
  site,
  stack,
  model,
}) => {
  const code = await bundle();
  await page.route(`${site}plain.html`, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>A page</title>' }),
  );
  await page.route(`${site}client.js`, (route) =>
    route.fulfill({ contentType: 'text/javascript', body: code }),
  );
  await page.goto(`${site}plain.html`);
  model.answer('without Amplify', { tokens: ['Rivers ', 'meander.'] });

  const { username, password } = stack.users[0] ?? { username: '', password: '' };
  const answers = await page.evaluate(
    async ({ module, user }) => {
      const { apiOf, createClient, loadOutputs } = (await import(module)) as typeof Client;
      const outputs = await loadOutputs();
      const response = await fetch(outputs.custom?.tokencast?.user_pool_endpoint ?? '', {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': 'AWSCognitoIdentityProviderService.InitiateAuth',
        },
        body: JSON.stringify({
          AuthFlow: 'USER_PASSWORD_AUTH',
          ClientId: outputs.auth.user_pool_client_id,
          AuthParameters: { USERNAME: user.username, PASSWORD: user.password },
        }),
      });
      const signedIn = (await response.json()) as { AuthenticationResult: { AccessToken: string } };
      const tokens = () => Promise.resolve(signedIn.AuthenticationResult.AccessToken);
      const api = apiOf(outputs);
      const texts: Record<string, string> = {};
      for (const delivery of api.deliveries) {
        let text = '';
        const client = createClient({ ...api, delivery, tokens });
        for await (const event of client.streamPrompt('Why, without Amplify?')) {
          if (event.type === 'restarted') text = '';
          if (event.type === 'text') text += event.text;
        }
        texts[delivery] = text;
      }
      return texts;
    },
    { module: `${site}client.js`, user: { username, password } },
  );
  const whole = 'Rivers meander.';
  expect(answers).toEqual({ appsync: whole, url: whole, websocket: whole });
});
