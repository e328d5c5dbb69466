/** GraphQL over HTTP, as a user of the user pool. */

import { asTokencastError, errorOfType, TokencastError } from './errors.js';
import { globals, type Fetch } from './globals.js';
import { errorOfStatus, isStaleToken, parse, refusalIn } from './graphql_errors.js';
import type { Call } from './graphql_api.js';
import type { Tokens } from './tokens.js';

/** Calls once more with a new token if the old one is refused. */
export function graphqlCall(url: string, tokens: Tokens, fetch: Fetch | undefined): Call {
  async function once<T>(query: string, variables: object, refresh: boolean): Promise<T> {
    const headers = { 'content-type': 'application/json', authorization: await tokens(refresh) };
    const request = { method: 'POST', headers, body: JSON.stringify({ query, variables }) };
    try {
      const response = await (fetch ? fetch(url, request) : globals.fetch(url, request));
      return dataOf(response.status, await response.text()) as T;
    } catch (error) {
      throw asTokencastError(error);
    }
  }
  return async (query, variables) => {
    try {
      return await once(query, variables, false);
    } catch (error) {
      if (!isStaleToken(error)) throw error;
      return once(query, variables, true);
    }
  };
}

function dataOf(status: number, body: string): unknown {
  const error = errorOfStatus(status, body);
  if (error !== null) throw error;
  const answer = parse(body) as { data?: unknown; errors?: unknown } | null;
  // Errors first: beside one, `data` need not have the shape of a success.
  const refusal = answer?.errors === undefined ? null : refusalIn(answer);
  if (refusal !== null && refusal.errorType !== '') {
    throw errorOfType(refusal.errorType, refusal.message, undefined, refusal.errorInfo);
  }
  if (refusal !== null) throw new TokencastError('connection', refusal.message);
  if (!answer?.data) throw new TokencastError('connection', 'The API gave no answer');
  return answer.data;
}
