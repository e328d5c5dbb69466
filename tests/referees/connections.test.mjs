// @aws-sdk/client-apigatewaymanagementapi against `@connections`.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  GoneException,
  PayloadTooLargeException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';

import { ask, connect, stack } from './deliveries.mjs';

const limit = { timeout: 120_000 };
const { region, credentials, callbackUrl: endpoint } = stack;
const api = new ApiGatewayManagementApiClient({ region, endpoint, credentials, maxAttempts: 1 });
after(() => api.destroy());

async function connected() {
  const client = await connect();
  const { requestContext } = await ask(client, 'echo');
  return { ...client, ConnectionId: requestContext.connectionId };
}

test('a message reaches the client as it is', limit, async () => {
  const { texts, ConnectionId } = await connected();
  for (const Data of ['{"n":1}', new TextEncoder().encode('größer')]) {
    const { $metadata } = await api.send(new PostToConnectionCommand({ ConnectionId, Data }));
    assert.equal($metadata.httpStatusCode, 200);
  }
  const received = await texts.until('messages', (items) => items.length === 3 && items);
  assert.deepEqual(received.slice(1), ['{"n":1}', 'größer']);
});

test('a connection is described', limit, async () => {
  const { ConnectionId } = await connected();
  const { ConnectedAt, LastActiveAt, Identity } = await api.send(new GetConnectionCommand({ ConnectionId }));
  assert.ok(ConnectedAt instanceof Date && LastActiveAt >= ConnectedAt);
  assert.equal(Identity.SourceIp, '127.0.0.1');
});

test('a deleted connection is closed, and gone', limit, async () => {
  const { closed, ConnectionId } = await connected();
  const { $metadata } = await api.send(new DeleteConnectionCommand({ ConnectionId }));
  assert.equal($metadata.httpStatusCode, 204);
  assert.equal((await closed).code, 1000);
  for (const command of [
    new PostToConnectionCommand({ ConnectionId, Data: 'late' }),
    new GetConnectionCommand({ ConnectionId }),
    new DeleteConnectionCommand({ ConnectionId }),
  ]) {
    await assert.rejects(api.send(command), (error) => {
      assert.ok(error instanceof GoneException, `${error}`);
      assert.equal(error.name, 'GoneException');
      assert.equal(error.$metadata.httpStatusCode, 410);
      return true;
    });
  }
});

test('a message that is too large is refused', limit, async () => {
  const { ConnectionId } = await connected();
  const Data = 'x'.repeat(128 * 1024 + 1);
  await assert.rejects(api.send(new PostToConnectionCommand({ ConnectionId, Data })), (error) => {
    assert.ok(error instanceof PayloadTooLargeException, `${error}`);
    return true;
  });
});

test('a wrong secret, and a key without its session token, are refused', limit, async () => {
  const { texts, ConnectionId } = await connected();
  for (const [wrong, name] of [
    [{ ...credentials, secretAccessKey: 'another' }, 'InvalidSignatureException'],
    [{ ...credentials, sessionToken: undefined }, 'UnrecognizedClientException'],
    [{ ...credentials, accessKeyId: 'AKIANOBODY' }, 'UnrecognizedClientException'],
  ]) {
    const forger = new ApiGatewayManagementApiClient({ region, endpoint, credentials: wrong, maxAttempts: 1 });
    await assert.rejects(forger.send(new PostToConnectionCommand({ ConnectionId, Data: 'forged' })), (error) => {
      assert.equal(error.name, name);
      assert.equal(error.$metadata.httpStatusCode, 403);
      return true;
    });
    forger.destroy();
  }
  assert.equal(texts.items.length, 1);
});
