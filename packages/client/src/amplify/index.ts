/** The client for whom AWS Amplify signs in: its tokens, and its connection to AppSync. Needs the package `aws-amplify`. */

import { Amplify } from 'aws-amplify';

import { isObject, mustBe } from '../arguments.js';
import type { TokencastClient } from '../client.js';
import { clientFor, createClient, type ApiUrls, type DeliveryOptions } from '../create.js';
import { amplifyTokens } from './tokens.js';
import { amplifyApi } from './transport.js';

export { configure } from './configure.js';
export { errorOf } from './errors.js';
export { amplifyTokens, renewToken } from './tokens.js';
export { amplifyApi, amplifyTransport } from './transport.js';
export { isStaleToken, refusalIn } from '../graphql_errors.js';
export type { Refusal } from '../graphql_errors.js';

/**
 * A client for the API that `configure` returned, as the user who is signed in with Amplify. If it is the API that Amplify
 * is configured with, Amplify's own connection is used over AppSync, with the global `fetch` and `WebSocket`. An Amplify back
 * end with a `data` of its own has another API than Tokencast's, and Amplify connects to one only.
 *
 * @throws `TypeError` for an argument that is none, or if the API hasn't that delivery
 */
export function createAmplifyClient(api: ApiUrls, options: DeliveryOptions = {}): TokencastClient {
  mustBe(isObject(api), 'api', api, 'what `configure` gives');
  mustBe(isObject(options), 'options', options, 'an object');
  if (Amplify.getConfig().API?.GraphQL?.endpoint !== api.graphqlUrl) {
    return createClient({ ...options, ...api, tokens: amplifyTokens });
  }
  return clientFor({ ...options, ...api }, amplifyTokens, amplifyApi());
}
