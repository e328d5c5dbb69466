// @aws-sdk/client-lambda: invoking the request function as AppSync does, and wrongly.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';

import {
  GetFunctionCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  LambdaClient,
  LambdaServiceException,
  ListEventSourceMappingsCommand,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda';

import { stack } from './stack.mjs';

const limit = { timeout: 120_000 };
const lambda = new LambdaClient({ region: stack.region, endpoint: stack.url, maxAttempts: 1 });
after(() => lambda.destroy());

async function invoke(Payload, more = {}) {
  const body = typeof Payload === 'string' ? Payload : JSON.stringify(Payload);
  const answer = await lambda.send(new InvokeCommand({ FunctionName: 'request', Payload: body, ...more }));
  const text = answer.Payload?.transformToString() ?? '';
  return { ...answer, payload: text === '' ? undefined : JSON.parse(text) };
}

/** What the resolver's code passes on: cdk/resolvers/requestFunction.js. */
const event = (field, args, sub = 'a-user') => ({ field, arguments: args, sub, groups: null });

test('the request function answers as a resolver', limit, async () => {
  const sessionId = randomUUID();
  const started = await invoke(event('startStream', { prompt: 'Why do rivers meander?', sessionId }));
  assert.equal(started.StatusCode, 200);
  assert.equal(started.FunctionError, undefined);
  assert.equal(started.ExecutedVersion, '$LATEST');
  assert.ok(started.$metadata.requestId);
  assert.equal(started.payload.data.sessionId, sessionId);
  assert.equal(started.payload.data.status, 'streaming_started');
  const read = await invoke(event('getStream', { sessionId }));
  assert.equal(read.payload.data.sessionId, sessionId);
  const unknown = await invoke(event('getStream', { sessionId: randomUUID() }));
  assert.deepEqual(unknown.payload, { data: null });
});

test('what the function refuses is an answer', limit, async () => {
  const sessionId = randomUUID();
  await invoke(event('startStream', { prompt: 'Mine', sessionId }));
  for (const [payload, type] of [
    [event('startStream', { prompt: '' }), 'INVALID_PROMPT'],
    [event('stopStream', { sessionId }, 'another-user'), 'UNAUTHORIZED'],
  ]) {
    const { StatusCode, FunctionError, payload: refusal } = await invoke(payload);
    assert.equal(StatusCode, 200);
    assert.equal(FunctionError, undefined);
    assert.equal(refusal.error.type, type);
    assert.ok(refusal.error.message);
  }
});

test('a field that is wired wrongly is a function error', limit, async () => {
  const { StatusCode, FunctionError, payload: failure } = await invoke(event('noSuchField', {}));
  assert.equal(StatusCode, 200);
  assert.equal(FunctionError, 'Unhandled');
  assert.equal(failure.errorType, 'INTERNAL');
  assert.ok(failure.errorMessage);
});

test('an event of another shape is a function error as well, and the function stays', limit, async () => {
  const { FunctionError, payload } = await invoke({ nonsense: true });
  assert.equal(FunctionError, 'Unhandled');
  assert.ok(payload.errorMessage);
  const { payload: next } = await invoke(event('getStream', { sessionId: randomUUID() }));
  assert.deepEqual(next, { data: null });
});

test('other ways to invoke, and to name a function', limit, async () => {
  const payload = event('getStream', { sessionId: randomUUID() });
  assert.equal((await invoke(payload, { InvocationType: 'DryRun' })).StatusCode, 204);
  assert.equal((await invoke(payload, { InvocationType: 'Event' })).StatusCode, 202);
  // It fails, and waits for its next try: which doesn't keep the stack from ending.
  assert.equal((await invoke({ nonsense: true }, { InvocationType: 'Event' })).StatusCode, 202);
  const arn = `arn:aws:lambda:${stack.region}:${stack.accountId}:function:request`;
  for (const FunctionName of [arn, 'request:$LATEST']) {
    assert.equal((await invoke(payload, { FunctionName })).StatusCode, 200);
  }
});

test('an operation that this Lambda has not is named', limit, async () => {
  for (const command of [
    new ListFunctionsCommand({}),
    new GetFunctionCommand({ FunctionName: 'worker' }),
    new ListEventSourceMappingsCommand({}),
    new InvokeWithResponseStreamCommand({ FunctionName: 'request' }),
  ]) {
    await assert.rejects(lambda.send(command), {
      name: 'UnknownOperationException',
      message: /The local Lambda has no/,
    });
  }
});

test('errors have the names of the SDK’s classes', limit, async () => {
  for (const [name, status, payload, more] of [
    ['ResourceNotFoundException', 404, {}, { FunctionName: 'nowhere' }],
    ['InvalidRequestContentException', 400, '{"cut": ', {}],
    ['InvalidParameterValueException', 400, {}, { InvocationType: 'Nonsense' }],
    ['RequestTooLargeException', 413, { much: 'x'.repeat(6 * 1024 * 1024) }, {}],
  ]) {
    await assert.rejects(invoke(payload, more), (error) => {
      assert.ok(error instanceof LambdaServiceException, `${name}: ${error}`);
      assert.equal(error.name, name);
      assert.equal(error.$metadata.httpStatusCode, status);
      assert.ok(error.message.length > 10, error.message);
      return true;
    });
  }
});
