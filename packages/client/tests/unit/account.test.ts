/** Assistants and usage by GraphQL, and what a start says of an assistant over each channel. */

import { afterEach, beforeEach, expect, test } from 'vitest';

import { accountOver } from '../../src/account.js';
import { amplifyApi } from '../../src/amplify/transport.js';
import { appSyncApi } from '../../src/appsync.js';
import { TIMEOUTS } from '../../src/bounds.js';
import { clientOver } from '../../src/client.js';
import { transportOver } from '../../src/graphql_api.js';
import { startAppSync, type AppSync, type Request } from '../support/appsync_server.js';

let api: AppSync;
let requests: Request[];
let answer: object;

beforeEach(async () => {
  requests = [];
  answer = {};
  api = await startAppSync(
    (request) => {
      requests.push(request);
      return answer;
    },
    () => undefined,
  );
});

afterEach(() => api.close());

const limit = { used: 1, limit: 20, left: 19 };
const ASSISTANTS = [
  { name: 'a', title: 'A', description: null, isDefault: true, reasons: false, maxTokens: 4096 },
];
const USAGE = {
  day: '2026-11-28',
  resetsAt: '2026-11-29T00:00:00.000Z',
  startsPerMinute: limit,
  startsPerDay: limit,
  tokensPerDay: { used: 5, limit: null, left: null },
  sessionsAtOnce: limit,
  cost: 0.25,
};

test.each([
  ['with Amplify', () => amplifyApi()],
  ['without', () => appSyncApi(api.endpoint, api.tokens)],
])('%s, assistants and usage are what the API says', async (_, make) => {
  const account = accountOver(make(), TIMEOUTS);
  answer = { assistants: ASSISTANTS };
  expect(await account.assistants()).toEqual(ASSISTANTS);
  answer = { usage: USAGE };
  expect(await account.usage()).toEqual(USAGE);
});

test('a client without GraphQL has neither', async () => {
  const client = clientOver(transportOver(appSyncApi(api.endpoint, api.tokens)));
  await expect(client.assistants()).rejects.toMatchObject({ kind: 'refused', transient: false });
  await expect(client.usage()).rejects.toMatchObject({ kind: 'refused', transient: false });
  expect(requests).toEqual([]);
});

test('a start names an assistant only where one was chosen', async () => {
  const transport = transportOver(appSyncApi(api.endpoint, api.tokens));
  answer = { startStream: {} };
  await transport.startStream('id', 'Why?', { assistant: 'careful' });
  await transport.startStream('id', 'Why?');
  const variables = requests.map((request) => request.variables);
  expect(variables).toEqual([
    { sessionId: 'id', prompt: 'Why?', assistant: 'careful' },
    { sessionId: 'id', prompt: 'Why?' },
  ]);
});
