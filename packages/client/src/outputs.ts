/** Where an API is: from `amplify_outputs.json`, which the local stack serves and a deployment writes. */

import { isObject, isText, mustBe } from './arguments.js';
import { reasonOf } from './errors.js';
import { globals, type FetchResponse } from './globals.js';

/**
 * What the client needs of the file. `data` is the API, unless `custom.tokencast.graphql_url` names another: an Amplify
 * back end has its own API there. The other URLs in `custom` are of deliveries that are there; the rest of
 * `custom.tokencast` is the local stack's.
 */
export interface AmplifyOutputs {
  version: string;
  auth: { aws_region: string; user_pool_id: string; user_pool_client_id: string };
  data?: { aws_region: string; url: string };
  custom?: {
    streamUrl?: string;
    webSocketUrl?: string;
    tokencast?: { graphql_url?: string; user_pool_endpoint?: string; self_sign_up?: boolean };
  };
}

/** AppSync, a Lambda Function URL, or an API Gateway WebSocket API. */
export type Delivery = 'appsync' | 'url' | 'websocket';

/** An API, as its outputs describe it. */
export interface Api {
  graphqlUrl: string;
  streamUrl?: string | undefined;
  webSocketUrl?: string | undefined;
  /** Those that this API has. AppSync is always one of them. */
  deliveries: readonly Delivery[];
  /** Whether this is a local stack, where two accounts exist already. */
  local: boolean;
  /** Whether users may make accounts for themselves. */
  selfSignUp: boolean;
}

/**
 * Reads the file: from an address, which in a page may be relative to it; in Node also from a path, or a `file:` address.
 *
 * @throws `Error` if there is none, or if it is no JSON; `TypeError` if `url` is no string
 */
export async function loadOutputs(url = './amplify_outputs.json'): Promise<AmplifyOutputs> {
  mustBe(isText(url), 'url', url, 'an address, or in Node a path');
  const files = isRemote(url) ? undefined : nodeFiles();
  return parsed(url, await (files === undefined ? fetchText(url) : readText(files, url)));
}

/**
 * The API that the file describes.
 *
 * @throws `Error` if it describes none; `TypeError` if it is no such file
 */
export function apiOf(outputs: AmplifyOutputs): Api {
  mustBe(isObject(outputs), 'outputs', outputs, 'what `loadOutputs` gives');
  const { streamUrl, webSocketUrl, tokencast = {} } = outputs.custom ?? {};
  const { user_pool_endpoint: endpoint, self_sign_up: selfSignUp = false } = tokencast;
  const graphqlUrl = tokencast.graphql_url ?? outputs.data?.url;
  if (graphqlUrl === undefined) {
    throw new Error('The outputs have neither `custom.tokencast.graphql_url` nor `data.url`');
  }
  const deliveries: Delivery[] = ['appsync'];
  if (streamUrl !== undefined) deliveries.push('url');
  if (webSocketUrl !== undefined) deliveries.push('websocket');
  return {
    graphqlUrl,
    streamUrl,
    webSocketUrl,
    deliveries,
    local: endpoint !== undefined,
    selfSignUp,
  };
}

function isRemote(url: string): boolean {
  // Of a drive there is one letter.
  return /^[a-z][a-z\d+.-]+:/i.test(url) && !FILE.test(url);
}

const FILE = /^file:/i;

interface Files {
  promises: { readFile(path: unknown, encoding: 'utf8'): Promise<string> };
}

/** Node's, by no import, which a bundler for pages would follow. `undefined` in a page, which has its address. */
function nodeFiles(): Files | undefined {
  const { process } = globalThis as unknown as {
    process?: { getBuiltinModule?: (name: string) => unknown };
  };
  const isPage = (globalThis as { location?: unknown }).location !== undefined;
  return isPage ? undefined : (process?.getBuiltinModule?.('node:fs') as Files | undefined);
}

async function readText(files: Files, path: string): Promise<string> {
  try {
    return await files.promises.readFile(FILE.test(path) ? new globals.URL(path) : path, 'utf8');
  } catch (cause) {
    const isMissing = (cause as { code?: unknown }).code === 'ENOENT';
    throw new Error(isMissing ? `There is no ${path}: ${EXPECTED}` : unreadable(path, cause), {
      cause,
    });
  }
}

async function fetchText(url: string): Promise<string> {
  let response: FetchResponse;
  try {
    response = await globals.fetch(url, { cache: 'no-cache' });
  } catch (cause) {
    throw new Error(unreadable(url, cause), { cause });
  }
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  // Whoever serves a page for every address has no such file.
  if (response.ok ? !isJson : response.status === 404) {
    throw new Error(`There is no ${url} (HTTP ${response.status}): ${EXPECTED}`);
  }
  if (!response.ok) throw new Error(`${url} cannot be read: HTTP ${response.status}`);
  return response.text();
}

const EXPECTED = 'expected the outputs of a deployment or of the local stack';

function unreadable(url: string, cause: unknown): string {
  return `${url} cannot be read: ${reasonOf(cause)}`;
}

function parsed(url: string, text: string): AmplifyOutputs {
  try {
    return JSON.parse(text) as AmplifyOutputs;
  } catch (cause) {
    throw new Error(`${url} is no JSON: expected an \`amplify_outputs.json\``, { cause });
  }
}
