/** Where an API is: from `amplify_outputs.json`, which the local stack serves and a deployment writes. */

import { globals } from './globals.js';

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
 * Reads the file.
 *
 * @throws `Error` if there is none at this address
 */
export async function loadOutputs(url = './amplify_outputs.json'): Promise<AmplifyOutputs> {
  const response = await globals.fetch(url, { cache: 'no-cache' });
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  if (!response.ok || !isJson) throw new Error(`There is no ${url} (HTTP ${response.status})`);
  return (await response.json()) as AmplifyOutputs;
}

/**
 * The API that the file describes.
 *
 * @throws `Error` if it describes none
 */
export function apiOf(outputs: AmplifyOutputs): Api {
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
