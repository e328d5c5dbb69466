/** A client for an API: what it takes from the machine, and what it is handed. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterEach, expect, test, vi } from 'vitest';

import {
  apiOf,
  createClient,
  loadOutputs,
  type AmplifyOutputs,
  type Delivery,
  type Fetch,
} from '../../src/index.js';
import { realtimeHeaders } from '../../src/realtime.js';

afterEach(() => {
  vi.unstubAllGlobals();
});

const graphqlUrl = 'https://api.example.com/graphql';
const tokens = (): Promise<string> => Promise.resolve('jwt');

const outputs = (custom?: AmplifyOutputs['custom']): AmplifyOutputs => ({
  version: '1.4',
  auth: { aws_region: 'r', user_pool_id: 'p', user_pool_client_id: 'c' },
  data: { aws_region: 'r', url: graphqlUrl },
  ...(custom === undefined ? {} : { custom }),
});

test.each([
  [undefined, ['appsync'], false],
  [{ streamUrl: 'https://s/' }, ['appsync', 'url'], false],
  [{ webSocketUrl: 'wss://w' }, ['appsync', 'websocket'], false],
  [{ tokencast: { user_pool_endpoint: 'http://localhost/' } }, ['appsync'], true],
])('an API has the deliveries that its outputs name: %j', (custom, deliveries, local) => {
  expect(apiOf(outputs(custom))).toMatchObject({ graphqlUrl, deliveries, local });
});

test('an API beside the one of `data` is found in `custom`', () => {
  const graphql_url = 'https://other.example.com/graphql';
  expect(apiOf(outputs({ tokencast: { graphql_url } })).graphqlUrl).toBe(graphql_url);
});

test('outputs without an API are refused, with what they lack', () => {
  const { version, auth } = outputs();
  expect(() => apiOf({ version, auth })).toThrow(
    'neither `custom.tokencast.graphql_url` nor `data.url`',
  );
});

test.each(['url', 'websocket'] as const)('an API without %s has no client over it', (delivery) => {
  expect(() => createClient({ graphqlUrl, tokens, delivery })).toThrow(TypeError);
});

test.each(['grpc', ''])('there is no client over %j', (delivery) => {
  const options = { graphqlUrl, tokens, delivery: delivery as Delivery };
  expect(() => createClient(options)).toThrow(
    `\`delivery\` is "${delivery}", expected \`appsync\`, \`url\` or \`websocket\``,
  );
});

test('in Node, outputs are read from a path, too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tokencast-'));
  try {
    const path = join(folder, 'amplify_outputs.json');
    await expect(loadOutputs(path)).rejects.toThrow(`There is no ${path}`);
    await writeFile(path, '<html>');
    await expect(loadOutputs(path)).rejects.toThrow(`${path} is no JSON`);
    await writeFile(path, JSON.stringify(outputs()));
    expect(await loadOutputs(path)).toEqual(outputs());
    expect(await loadOutputs(pathToFileURL(path).href)).toEqual(outputs());
    await expect(loadOutputs(folder)).rejects.toThrow(`${folder} cannot be read: EISDIR`);
    const missing = pathToFileURL(join(folder, 'missing.json')).href;
    await expect(loadOutputs(missing)).rejects.toThrow(`There is no ${missing}`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('outputs at an address that cannot be reached are said to be there, with the reason', async () => {
  const url = 'http://localhost:1/x.json';
  const failed = new TypeError('fetch failed', { cause: new Error('bad port') });
  vi.stubGlobal('fetch', () => Promise.reject(failed));
  const error: unknown = await loadOutputs(url).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    message: `${url} cannot be read: fetch failed: bad port`,
    cause: failed,
  });
});

const HTML = { 'content-type': 'text/html' };
const JSON_TYPE = { 'content-type': 'application/json' };

test.each([
  ['There is no https://x/o.json (HTTP 404)', '', { status: 404 }],
  // Many servers have a page for each address.
  ['There is no https://x/o.json (HTTP 200)', '<html>', { headers: HTML }],
  ['https://x/o.json cannot be read: HTTP 503', '', { status: 503 }],
  ['https://x/o.json is no JSON', '{', { headers: JSON_TYPE }],
])('outputs that are none: %s', async (message, body, init) => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(body, init)));
  await expect(loadOutputs('https://x/o.json')).rejects.toThrow(message);
});

test('in a page, outputs are read from an address beside it', async () => {
  vi.stubGlobal('location', { href: 'https://example.com/' });
  const asked: string[] = [];
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url);
    const headers = { 'content-type': 'application/json' };
    return Promise.resolve(new Response(JSON.stringify(outputs()), { headers }));
  });
  expect(await loadOutputs()).toEqual(outputs());
  expect(asked).toEqual(['./amplify_outputs.json']);
});

test('the fetch that is handed in is used, with the token', async () => {
  const calls: Parameters<Fetch>[] = [];
  const fetch: Fetch = (...call) => {
    calls.push(call);
    return Promise.resolve(new Response(JSON.stringify({ data: { getStream: null } })));
  };
  const client = createClient({ graphqlUrl, tokens, fetch });
  expect(await client.getStream('A7E55044-10B1-426F-9247-BB680E5FE0C8')).toBeNull();
  expect(calls).toMatchObject([[graphqlUrl, { headers: { authorization: 'jwt' } }]]);
});

test('without any WebSocket, that is said at once', async () => {
  vi.stubGlobal('WebSocket', undefined);
  const client = createClient({ graphqlUrl, tokens });
  const events = client.streamPrompt('Why?')[Symbol.asyncIterator]();
  await expect(events.next()).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('hand one in') as string,
  });
});

test.each([
  [graphqlUrl, 'api.example.com'],
  ['http://localhost:4680/graphql', 'localhost:4680'],
])('a subscription at %s is signed in for %s', (url, host) => {
  expect(realtimeHeaders(url, 'jwt')).toEqual({ host, Authorization: 'jwt' });
});
