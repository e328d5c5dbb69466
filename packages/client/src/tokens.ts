/** Where the token comes from that a channel without Amplify carries. */

import { fetchAuthSession } from 'aws-amplify/auth';

import { signedOut } from './amplify_errors';
import { asTokencastError, errorOfType } from './errors';

/** A JWT of the user pool; with `refresh`, a new one, as the last was refused. */
export type Tokens = (refresh?: boolean) => Promise<string>;

/** Of the user who is signed in with Amplify. */
export const amplifyTokens: Tokens = async (refresh = false) => {
  const session = await fetchAuthSession({ forceRefresh: refresh }).catch((error: unknown) => {
    throw signedOut(error) ?? asTokencastError(error);
  });
  const token = session.tokens?.accessToken.toString();
  if (token === undefined) throw errorOfType('SignedOut', 'You are not signed in');
  return token;
};
