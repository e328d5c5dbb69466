/** Any operation of the schema, as the user who is signed in: what a GraphQL playground needs. */

import { errorOfType, realtimeHeaders as headersOf } from '@tokencast/client';
import { errorOf, isStaleToken, refusalIn, renewToken } from '@tokencast/client/amplify';
import { generateClient } from 'aws-amplify/api';
import { fetchAuthSession } from 'aws-amplify/auth';
import {
  Kind,
  OperationTypeNode,
  parse,
  print,
  separateOperations,
  type DocumentNode,
} from 'graphql';

import { everyEvent, type Events } from './every_event';

export interface Operation {
  query: string;
  variables?: Record<string, unknown> | undefined;
  operationName?: string | null | undefined;
}

/** The protocol's own, plus the user's token, plus those of one's own, which win. */
export type Headers = Record<string, string>;

/** What goes with each request over HTTP. */
export async function requestHeaders(own: Headers = {}): Promise<Headers> {
  const headers: Headers = {
    'Content-Type': 'application/json',
    Authorization: await accessToken(),
  };
  for (const [name, value] of Object.entries(own)) {
    const same = Object.keys(headers).find((key) => key.toLowerCase() === name.toLowerCase());
    headers[same ?? name] = value;
  }
  return headers;
}

/** What goes with each subscription: in the WebSocket's second subprotocol, `header-` and base64url of this. */
export async function realtimeHeaders(graphqlUrl: string, own: Headers = {}): Promise<Headers> {
  return { ...headersOf(graphqlUrl, await accessToken()), ...own };
}

/**
 * The answer of a query or mutation, as it came; or all events of a subscription so far. A token that the server takes no
 * more is renewed once, unless it is one of the user's own.
 */
export async function execute(
  graphqlUrl: string,
  operation: Operation,
  own: Headers = {},
): Promise<unknown> {
  const { query, variables = {}, operationName, document, isSubscription } = choose(operation);
  if (isSubscription && document) {
    const open = (): Events => {
      // Amplify speaks AppSync's protocol, and looks at a document's first operation only.
      const events = generateClient().graphql({ query: print(document), variables }, own);
      if (!('subscribe' in events)) throw new TypeError('not a subscription');
      return events;
    };
    return everyEvent(open, (error) => renewedAfter(isStaleToken(errorOf(error)), own));
  }
  const body = JSON.stringify({ query, variables, operationName });
  const { answer, isStale } = await post(graphqlUrl, body, own);
  return (await renewedAfter(isStale, own)) ? (await post(graphqlUrl, body, own)).answer : answer;
}

async function post(
  graphqlUrl: string,
  body: string,
  own: Headers,
): Promise<{ answer: unknown; isStale: boolean }> {
  const headers = await requestHeaders(own);
  const response = await fetch(graphqlUrl, { method: 'POST', headers, body });
  const text = await response.text();
  try {
    const answer: unknown = JSON.parse(text);
    const refusal = refusalIn(answer);
    const error = errorOfType(refusal?.errorType ?? '', refusal?.message ?? '');
    return { answer, isStale: response.status === 401 || isStaleToken(error) };
  } catch {
    const message = `The API answered HTTP ${response.status}`;
    return { answer: { errors: [{ message, body: text }] }, isStale: response.status === 401 };
  }
}

async function renewedAfter(isStale: boolean, own: Headers): Promise<boolean> {
  const isOwn = Object.keys(own).some((name) => name.toLowerCase() === 'authorization');
  if (!isStale || isOwn) return false;
  await renewToken();
  return true;
}

interface Chosen extends Operation {
  /** The operation that is meant, with its fragments; `null` if the document has errors, which the API will tell. */
  document: DocumentNode | null;
  isSubscription: boolean;
}

function choose(operation: Operation): Chosen {
  let operations: Record<string, DocumentNode>;
  try {
    operations = separateOperations(parse(operation.query));
  } catch {
    return { ...operation, document: null, isSubscription: false };
  }
  // GraphiQL says the name of an earlier document if the text was changed only just now.
  const name = operation.operationName ?? '';
  const known = name in operations ? name : undefined;
  const document = operations[known ?? Object.keys(operations)[0] ?? ''] ?? null;
  const isSubscription =
    document?.definitions.some(
      (one) =>
        one.kind === Kind.OPERATION_DEFINITION && one.operation === OperationTypeNode.SUBSCRIPTION,
    ) ?? false;
  return { ...operation, operationName: known, document, isSubscription };
}

async function accessToken(): Promise<string> {
  const { tokens } = await fetchAuthSession();
  return tokens?.accessToken.toString() ?? '';
}
