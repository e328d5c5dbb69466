/** Points Amplify to the API that `amplify_outputs.json` describes: the local stack's, or a deployed one. */

import { Amplify } from 'aws-amplify';
import { parseAmplifyConfig } from 'aws-amplify/utils';

import { allowLocalWebSocket } from './local_websocket';

/** What the pages need of the file. `custom.tokencast` is the local stack's. */
export interface AmplifyOutputs {
  version: string;
  auth: { aws_region: string; user_pool_id: string; user_pool_client_id: string };
  data: { aws_region: string; url: string };
  custom?: { tokencast?: { user_pool_endpoint?: string; self_sign_up?: boolean } };
}

export interface Api {
  graphqlUrl: string;
  /** Whether this is a local stack, where two accounts exist already. */
  local: boolean;
  /** Whether users may make accounts for themselves. */
  selfSignUp: boolean;
}

export async function loadOutputs(url = './amplify_outputs.json'): Promise<AmplifyOutputs> {
  const response = await fetch(url, { cache: 'no-cache' });
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  if (!response.ok || !isJson) throw new Error(`There is no ${url} (HTTP ${response.status})`);
  return (await response.json()) as AmplifyOutputs;
}

export function configure(outputs: AmplifyOutputs): Api {
  const config = parseAmplifyConfig(outputs);
  const { user_pool_endpoint: endpoint, self_sign_up: selfSignUp = false } =
    outputs.custom?.tokencast ?? {};
  // The file's format has no place for a user pool that isn't at AWS.
  if (endpoint && config.Auth?.Cognito) config.Auth.Cognito.userPoolEndpoint = endpoint;
  Amplify.configure(config);
  allowLocalWebSocket(outputs.data.url);
  return { graphqlUrl: outputs.data.url, local: endpoint !== undefined, selfSignUp };
}
