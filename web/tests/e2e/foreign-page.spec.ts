/** What a page of another origin can do to a stack that runs on its visitor's machine. */

import { test as base, expect, type Page } from '@playwright/test';

import { startStack, type Stack } from '../../../packages/client/tests/support/stack';

const EVIL = 'http://evil.example';

/** What came of a page's attempts: a status that it could read, `opaque`, or `blocked`. */
type Outcomes = Record<string, number | string>;

const test = base.extend<{ outcomes: (stack: Stack, origin: string) => Promise<Outcomes> }>({
  outcomes: async ({ page }, use) => {
    await use(async (stack, origin) => {
      await page.route(`${origin}/`, (route) =>
        route.fulfill({ contentType: 'text/html', body: '<title>a page</title>' }),
      );
      await page.goto(`${origin}/`);
      return attempts(page, stack.url);
    });
  },
});

test.use({
  // The browser's own guard of local networks asks its user, and isn't what is tested here. The name leads to this machine,
  // as one does that was rebound.
  launchOptions: async ({ launchOptions }, use) => {
    await use({
      ...launchOptions,
      args: [
        ...(launchOptions.args ?? []),
        '--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessSendPreflights,BlockInsecurePrivateNetworkRequests',
        '--host-resolver-rules=MAP evil.example 127.0.0.1',
      ],
    });
  },
});

/** Everything that a page may send by itself. */
function attempts(page: Page, url: string): Promise<Outcomes> {
  return page.evaluate(async (base) => {
    const outcomes: Record<string, number | string> = {};
    const made =
      'AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0';
    const attempt = async (name: string, path: string, init: RequestInit) => {
      try {
        const answer = await fetch(base + path, init);
        outcomes[name] = answer.type === 'opaque' ? 'opaque' : answer.status;
      } catch {
        outcomes[name] = 'blocked';
      }
    };
    const socket = (name: string, path: string, protocols: string[]) =>
      new Promise<void>((resolve) => {
        const opened = new WebSocket(base.replace('http', 'ws') + path, protocols);
        opened.onopen = () => {
          outcomes[name] = 'open';
          opened.close();
          resolve();
        };
        opened.onerror = () => {
          outcomes[name] ??= 'blocked';
          resolve();
        };
      });
    const prompt = JSON.stringify({ messages: [{ role: 'user', content: [{ text: 'Mine?' }] }] });
    // No preflight: `text/plain`, and no header of its own.
    const plain = {
      method: 'POST',
      mode: 'no-cors',
      headers: { 'content-type': 'text/plain' },
    } as const;
    await attempt('model', '/model/us.anthropic.claude-3-haiku-20240307-v1:0/converse', {
      ...plain,
      body: prompt,
    });
    await attempt('invoke', '/2015-03-31/functions/worker/invocations', { ...plain, body: '{}' });
    const aws = (target: string) => ({
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': target,
        authorization: made,
      },
    });
    await attempt('scan', '/', {
      ...aws('DynamoDB_20120810.Scan'),
      body: '{"TableName":"tokencast-sessions"}',
    });
    await attempt('purge', '/', { ...aws('AmazonSQS.PurgeQueue'), body: '{}' });
    await attempt('signIn', '/', {
      ...aws('AWSCognitoIdentityProviderService.InitiateAuth'),
      body: '{}',
    });
    const graphql = {
      method: 'POST',
      headers: { authorization: 'x' },
      body: '{"query":"{ __typename }"}',
    };
    await attempt('graphql', '/graphql', graphql);
    await attempt('stream', '/function-urls/function-url/', graphql);
    await attempt('outputs', '/amplify_outputs.json', {});
    await attempt('control', '/_tokencast/health', {});
    await socket('realtime', '/graphql/realtime?header=e30&payload=e30', ['graphql-ws']);
    return outcomes;
  }, url);
}

async function modelCalls(stack: Stack): Promise<number> {
  const answer = await fetch(`${stack.url}/_tokencast/model/calls`);
  const { calls } = (await answer.json()) as { calls: unknown[] };
  return calls.length;
}

const NOTHING = {
  model: 'opaque',
  invoke: 'opaque',
  scan: 'blocked',
  purge: 'blocked',
  signIn: 'blocked',
  graphql: 'blocked',
  stream: 'blocked',
  outputs: 'blocked',
  control: 'blocked',
  realtime: 'blocked',
};

test('it reads nothing, uses no model, and opens no socket', async ({ outcomes }) => {
  const stack = await startStack(['--control']);
  try {
    expect(await outcomes(stack, EVIL)).toEqual(NOTHING);
    expect(await modelCalls(stack)).toBe(0);
  } finally {
    await stack.stop();
  }
});

test('where it is let in, it calls what browsers call on AWS', async ({ outcomes }) => {
  const stack = await startStack(['--control', '--allow-origin', EVIL]);
  try {
    expect(await outcomes(stack, EVIL)).toEqual({
      ...NOTHING,
      signIn: 400,
      graphql: 401,
      stream: 401,
      realtime: 'open',
    });
    expect(await modelCalls(stack)).toBe(0);
  } finally {
    await stack.stop();
  }
});

test('a name that was made to lead here gets nothing either', async ({ page }) => {
  const stack = await startStack(['--control']);
  try {
    const { port } = new URL(stack.url);
    const answer = await page.goto(`${EVIL}:${port}/amplify_outputs.json`);
    expect(answer?.status()).toBe(403);
    // The page's own origin now: the browser lets it read every answer.
    const outcomes = await attempts(page, `${EVIL}:${port}`);
    const refused = Object.entries(outcomes).filter(([name]) => name !== 'realtime');
    expect(refused.map(([, outcome]) => outcome)).toEqual(refused.map(() => 403));
    expect(outcomes.realtime).toBe('blocked');
    expect(await modelCalls(stack)).toBe(0);
  } finally {
    await stack.stop();
  }
});
