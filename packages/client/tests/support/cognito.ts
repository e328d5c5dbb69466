/** Tokens of a user pool by a user's name and password, without Amplify. */

import type { AmplifyOutputs, Tokens } from '../../src/index.js';

interface User {
  username: string;
  password: string;
}

interface Result {
  AuthenticationResult: { AccessToken: string; RefreshToken?: string };
}

/** Signs a user in; the tokens are renewed when they are refused. */
export async function passwordTokens(
  outputs: AmplifyOutputs,
  user: User | undefined,
): Promise<Tokens> {
  if (!user) throw new Error('no such user');
  const endpoint = outputs.custom?.tokencast?.user_pool_endpoint ?? '';
  const initiate = async (flow: string, parameters: Record<string, string>): Promise<Result> => {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'AWSCognitoIdentityProviderService.InitiateAuth',
      },
      body: JSON.stringify({
        AuthFlow: flow,
        ClientId: outputs.auth.user_pool_client_id,
        AuthParameters: parameters,
      }),
    });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as Result;
  };
  const { username: USERNAME, password: PASSWORD } = user;
  const first = await initiate('USER_PASSWORD_AUTH', { USERNAME, PASSWORD });
  let { AccessToken: token } = first.AuthenticationResult;
  const { RefreshToken: REFRESH_TOKEN = '' } = first.AuthenticationResult;
  return async (refresh = false) => {
    if (refresh) {
      const renewed = await initiate('REFRESH_TOKEN_AUTH', { REFRESH_TOKEN });
      token = renewed.AuthenticationResult.AccessToken;
    }
    return token;
  };
}
