// Tokens of the stack's users, for the clients that are handed one.
import { CognitoIdentityProviderClient, InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';

import { stack } from './stack.mjs';

export const cognito = new CognitoIdentityProviderClient({ region: stack.region, endpoint: stack.url });

/** `AccessToken`, `IdToken`, `RefreshToken`, `ExpiresIn`, `TokenType`. */
export async function tokens({ username, password }) {
  const command = new InitiateAuthCommand({
    AuthFlow: 'USER_PASSWORD_AUTH',
    ClientId: stack.userPoolClientId,
    AuthParameters: { USERNAME: username, PASSWORD: password },
  });
  const { AuthenticationResult } = await cognito.send(command);
  return AuthenticationResult;
}
