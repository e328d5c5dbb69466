/** A client for an API that isn't the one that Amplify is configured with. */

import { Amplify } from 'aws-amplify';
import { afterEach, expect, test, vi } from 'vitest';

import { configure, createAmplifyClient } from '../../src/amplify/index.js';

const AMPLIFYS = 'https://amplifys.example.com/graphql';
const OURS = 'https://ours.example.com/graphql';

/** A token that isn't verified here, with the fields that Amplify reads. */
const token = ['{"alg":"none"}', '{"sub":"alice","exp":4102444800}', 'signature']
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.');

afterEach(() => {
  vi.unstubAllGlobals();
});

test.each([
  [OURS, { tokencast: { graphql_url: OURS } }],
  [AMPLIFYS, {}],
])('calls go to %s', async (url, custom) => {
  const api = configure({
    version: '1.4',
    auth: { aws_region: 'eu-west-1', user_pool_id: 'eu-west-1_p', user_pool_client_id: 'c' },
    data: {
      aws_region: 'eu-west-1',
      url: AMPLIFYS,
      default_authorization_type: 'AMAZON_COGNITO_USER_POOLS',
      authorization_types: [],
    } as { aws_region: string; url: string },
    custom,
  });
  // As `signIn` leaves it.
  const accessToken = { toString: () => token, payload: { sub: 'alice' } };
  const tokenProvider = { getTokens: () => Promise.resolve({ accessToken }) };
  Amplify.configure(Amplify.getConfig(), { Auth: { tokenProvider } });
  const calls: [string, string | null][] = [];
  vi.stubGlobal('fetch', (to: string | URL, init: RequestInit) => {
    calls.push([String(to), new Headers(init.headers).get('authorization')]);
    return Promise.resolve(Response.json({ data: { getStream: null } }));
  });

  const client = createAmplifyClient(api);

  expect(await client.getStream('67e55044-10b1-426f-9247-bb680e5fe0c8')).toBeNull();
  expect(calls).toEqual([[url, token]]);
  // Amplify's own calls go where they went.
  expect(Amplify.getConfig().API?.GraphQL?.endpoint).toBe(AMPLIFYS);
});
