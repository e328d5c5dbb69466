/** Points Amplify to the API that `amplify_outputs.json` describes: the local stack's, or a deployed one. */

import { Amplify } from 'aws-amplify';
import { parseAmplifyConfig } from 'aws-amplify/utils';

import { apiOf, type AmplifyOutputs, type Api } from '../outputs.js';
import { allowLocalWebSocket } from './local_websocket.js';
import { watchSockets } from './unaddressed.js';

/**
 * Configures Amplify, once and for the whole page. It also wraps the global `WebSocket`: that is the only way to reach a
 * local stack over plain HTTP, and to hear of errors that Amplify drops.
 *
 * @throws `TypeError` or `Error` as `apiOf`; then nothing is configured
 */
export function configure(outputs: AmplifyOutputs): Api {
  const api = apiOf(outputs);
  const config = parseAmplifyConfig(outputs);
  const endpoint = outputs.custom?.tokencast?.user_pool_endpoint;
  // The file's format has no place for a user pool that isn't at AWS.
  if (endpoint && config.Auth?.Cognito) config.Auth.Cognito.userPoolEndpoint = endpoint;
  Amplify.configure(config);
  allowLocalWebSocket(api.graphqlUrl);
  watchSockets();
  return api;
}
