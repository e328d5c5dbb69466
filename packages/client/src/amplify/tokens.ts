/** The tokens of the user who is signed in with Amplify. */

import { fetchAuthSession } from 'aws-amplify/auth';

import { TIMEOUTS } from '../bounds.js';
import { asTokencastError, errorOfType } from '../errors.js';
import type { Tokens } from '../tokens.js';
import { within } from '../within.js';
import { signedOut } from './errors.js';

/** For channels that carry a token of their own. */
export const amplifyTokens: Tokens = async (refresh = false) => {
  const session = await fetchAuthSession({ forceRefresh: refresh }).catch((error: unknown) => {
    throw signedOut(error) ?? asTokencastError(error);
  });
  const token = session.tokens?.accessToken.toString();
  if (token === undefined) throw errorOfType('SignedOut', 'You are not signed in');
  return token;
};

/** Has Amplify fetch a new token, however young the present one is: the server's clock decides. */
export async function renewToken(): Promise<void> {
  const session = fetchAuthSession({ forceRefresh: true });
  const { tokens } = await within(TIMEOUTS.call, session, 'No new token has come').catch(
    (error: unknown) => {
      throw signedOut(error) ?? asTokencastError(error);
    },
  );
  if (tokens === undefined) throw errorOfType('SignedOut', 'You are not signed in');
}
