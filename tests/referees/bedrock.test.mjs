// @aws-sdk/client-bedrock-runtime, which speaks HTTP/2 here: both streaming calls, and both that don't stream.
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';

import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  ListAsyncInvokesCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';

import { assertUsage } from './session.mjs';
import { lastModelCall, script, stack } from './stack.mjs';

const limit = { timeout: 120_000 };
const modelId = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const options = { region: stack.region, endpoint: stack.url, maxAttempts: 1 };
const bedrock = new BedrockRuntimeClient(options);
const overHttp1 = new BedrockRuntimeClient({ ...options, requestHandler: new NodeHttpHandler() });
after(() => {
  bedrock.destroy();
  overHttp1.destroy();
});

const words = ['Rivers', ' meander', ' because', '', ' water', ' erodes', '.'];
const text = words.join('');
beforeEach(() => script({ tokens: words }));

const ask = (prompt) => [{ role: 'user', content: [{ text: prompt }] }];
const claude = (prompt) =>
  JSON.stringify({
    anthropic_version: 'bedrock-2023-05-31',
    max_tokens: 100,
    messages: [{ role: 'user', content: prompt }],
  });

/** Reads a stream's events until it ends; what it throws is returned as well. */
async function drain(stream) {
  const events = [];
  try {
    for await (const event of stream) events.push(event);
    return { events };
  } catch (error) {
    return { events, error };
  }
}

const deltas = (events) => events.flatMap((event) => event.contentBlockDelta?.delta.text ?? []);

for (const [protocol, client] of [
  ['HTTP/2', bedrock],
  ['HTTP/1.1', overHttp1],
]) {
  test(`ConverseStream over ${protocol}`, limit, async () => {
    const command = new ConverseStreamCommand({
      modelId,
      messages: ask('Why do rivers meander?'),
      system: [{ text: 'Be brief.' }],
      inferenceConfig: { maxTokens: 200, temperature: 0.5 },
    });
    const { stream, $metadata } = await client.send(command);
    assert.match($metadata.requestId, /^[0-9a-f-]{36}$/);
    const { events, error } = await drain(stream);
    assert.equal(error, undefined);
    const kinds = events.map((event) => Object.keys(event)[0]);
    assert.deepEqual(kinds, [
      'messageStart',
      ...words.map(() => 'contentBlockDelta'),
      'contentBlockStop',
      'messageStop',
      'metadata',
    ]);
    assert.equal(events[0].messageStart.role, 'assistant');
    assert.deepEqual(deltas(events), words, 'token by token');
    assert.equal(events.at(-2).messageStop.stopReason, 'end_turn');
    const { usage, metrics } = events.at(-1).metadata;
    assertUsage(usage);
    assert.ok(metrics.latencyMs >= 0);

    const call = await lastModelCall();
    assert.equal(call.modelId, modelId);
    assert.equal(call.prompt, 'Why do rivers meander?');
    assert.equal(call.ended, 'completed');
  });
}

test('InvokeModelWithResponseStream', limit, async () => {
  const command = new InvokeModelWithResponseStreamCommand({ modelId, body: claude('Why do rivers meander?') });
  const { body, contentType } = await bedrock.send(command);
  assert.equal(contentType, 'application/json');
  const { events, error } = await drain(body);
  assert.equal(error, undefined);
  const chunks = events.map(({ chunk }) => JSON.parse(new TextDecoder().decode(chunk.bytes)));
  const types = chunks.map(({ type }) => type);
  assert.equal(types[0], 'message_start');
  assert.equal(types[1], 'content_block_start');
  assert.deepEqual(types.slice(-3), ['content_block_stop', 'message_delta', 'message_stop']);
  const said = chunks.filter(({ type }) => type === 'content_block_delta').map(({ delta }) => delta.text);
  assert.equal(said.join(''), text);
  assert.ok(said.length >= words.length - 1, 'token by token');
  assert.equal(chunks.at(-2).delta.stop_reason, 'end_turn');
  assert.ok(chunks.at(-1)['amazon-bedrock-invocationMetrics'].outputTokenCount > 0);
});

test('every kind of block, streamed and whole', limit, async () => {
  await script({
    blocks: [
      { reasoning: ['I ', 'think'], signature: 'signed' },
      { redacted: 'AAEC' },
      { text: ['Rivers', ' bend.'] },
      { citation: { title: 'Rivers', url: 'https://example.com/r', text: 'They bend.' } },
      { toolUse: { toolUseId: 't1', name: 'maps', input: { at: 1 } } },
    ],
  });
  const messages = ask('Why?');
  const { events, error } = await drain((await bedrock.send(new ConverseStreamCommand({ modelId, messages }))).stream);
  assert.equal(error, undefined);
  const starts = events.flatMap((event) => event.contentBlockStart ?? []);
  assert.deepEqual(starts, [{ start: { toolUse: { toolUseId: 't1', name: 'maps' } }, contentBlockIndex: 3 }]);
  const said = events.flatMap((event) => event.contentBlockDelta ?? []);
  const input = said.flatMap(({ delta }) => delta.toolUse?.input ?? []);
  assert.deepEqual(JSON.parse(input.join('')), { at: 1 });
  assert.deepEqual(
    said.filter(({ delta }) => !delta.toolUse).map(({ contentBlockIndex, delta }) => ({ [contentBlockIndex]: delta })),
    [
      { 0: { reasoningContent: { text: 'I ' } } },
      { 0: { reasoningContent: { text: 'think' } } },
      { 0: { reasoningContent: { signature: 'signed' } } },
      { 1: { reasoningContent: { redactedContent: new Uint8Array([0, 1, 2]) } } },
      { 2: { text: 'Rivers' } },
      { 2: { text: ' bend.' } },
      {
        2: {
          citation: {
            title: 'Rivers',
            sourceContent: [{ text: 'They bend.' }],
            location: { web: { url: 'https://example.com/r' } },
          },
        },
      },
    ],
  );
  const stops = events.flatMap((event) => event.contentBlockStop?.contentBlockIndex ?? []);
  assert.deepEqual(stops, [0, 1, 2, 3]);

  const { output } = await bedrock.send(new ConverseCommand({ modelId, messages }));
  const [reasoning, , cited, tool] = output.message.content;
  assert.deepEqual(reasoning.reasoningContent.reasoningText, { text: 'I think', signature: 'signed' });
  assert.equal(cited.citationsContent.citations[0].title, 'Rivers');
  assert.deepEqual(tool.toolUse.input, { at: 1 });
});

test('Converse and InvokeModel answer at once', limit, async () => {
  const converse = await bedrock.send(new ConverseCommand({ modelId, messages: ask('Why?') }));
  assert.equal(converse.output.message.role, 'assistant');
  assert.equal(converse.output.message.content[0].text, text);
  assert.equal(converse.stopReason, 'end_turn');
  assertUsage(converse.usage);

  const { body } = await bedrock.send(new InvokeModelCommand({ modelId, body: claude('Why?') }));
  const message = JSON.parse(body.transformToString());
  assert.equal(message.type, 'message');
  assert.equal(message.content[0].text, text);
  assert.equal(message.stop_reason, 'end_turn');
});

test('any id of a model, and members that no model here needs', limit, async () => {
  for (const id of [
    'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0',
    'amazon.nova-lite-v1:0',
  ]) {
    const command = new ConverseStreamCommand({
      modelId: id,
      system: [{ text: 'Be brief.' }, { cachePoint: { type: 'default' } }],
      messages: [
        {
          role: 'user',
          content: [{ text: 'Look' }, { image: { format: 'png', source: { bytes: new Uint8Array([1]) } } }],
        },
        { role: 'assistant', content: [{ toolUse: { toolUseId: 't1', name: 'weather', input: { at: 'sea' } } }] },
        { role: 'user', content: [{ toolResult: { toolUseId: 't1', content: [{ text: 'rain' }] } }] },
      ],
      toolConfig: { tools: [{ toolSpec: { name: 'weather', inputSchema: { json: { type: 'object' } } } }] },
      additionalModelRequestFields: { top_k: 5 },
      requestMetadata: { purpose: 'test' },
    });
    const { events, error } = await drain((await bedrock.send(command)).stream);
    assert.equal(error, undefined);
    assert.deepEqual(deltas(events), words);
    assert.equal((await lastModelCall()).modelId, id);
  }
});

test('limits and stop sequences end an answer', limit, async () => {
  for (const [inferenceConfig, stopReason, expected] of [
    [{ maxTokens: 2 }, 'max_tokens', 'Rivers meander'],
    [{ stopSequences: [' water'] }, 'stop_sequence', 'Rivers meander because'],
  ]) {
    const command = new ConverseStreamCommand({ modelId, messages: ask('Why?'), inferenceConfig });
    const { events } = await drain((await bedrock.send(command)).stream);
    assert.equal(deltas(events).join(''), expected);
    assert.equal(events.at(-2).messageStop.stopReason, stopReason);
  }
});

test('many streams at once share a connection and mix nothing', limit, async () => {
  await script({ tokens: null, msBetweenTokens: 1 });
  const ask20 = Array.from({ length: 20 }, async (_, at) => {
    const command = new ConverseStreamCommand({ modelId, messages: ask(`What is special about number ${1000 + at}?`) });
    const { events, error } = await drain((await bedrock.send(command)).stream);
    assert.equal(error, undefined);
    return deltas(events).join('');
  });
  for (const [at, answer] of (await Promise.all(ask20)).entries()) {
    const numbers = new Set(answer.match(/\b10[0-1]\d\b/g));
    assert.deepEqual([...numbers], [`${1000 + at}`]);
  }
});

test('what is not valid is refused before the stream', limit, async () => {
  const messages = ask('Why?');
  for (const [command, pattern] of [
    [new ConverseStreamCommand({ modelId: 'no-such-model', messages }), /model identifier is invalid/],
    [new ConverseStreamCommand({ modelId, messages: [] }), /message/i],
    [new ConverseStreamCommand({ modelId, messages: ask(' ') }), /text field .* is blank/],
    [new ConverseStreamCommand({ modelId, messages: [{ role: 'assistant', content: [{ text: 'hi' }] }] }), /user/],
    [new ConverseStreamCommand({ modelId, messages, inferenceConfig: { maxTokens: 0 } }), /maxTokens/],
    [new ConverseStreamCommand({ modelId, messages, inferenceConfig: { temperature: 2 } }), /temperature/],
    [new ConverseCommand({ modelId, messages: [] }), /message/i],
    [new InvokeModelCommand({ modelId, body: '{}' }), /./],
    [new InvokeModelWithResponseStreamCommand({ modelId, body: 'not json' }), /./],
  ]) {
    await assert.rejects(bedrock.send(command), (error) => {
      assert.equal(error.name, 'ValidationException', `${error}`);
      assert.equal(error.$metadata.httpStatusCode, 400);
      assert.match(error.message, pattern);
      return true;
    });
  }
});

test('an operation that this Bedrock has not is named', limit, async () => {
  for (const command of [
    new CountTokensCommand({ modelId, input: { converse: { messages: ask('Why?') } } }),
    new ListAsyncInvokesCommand({}),
  ]) {
    await assert.rejects(bedrock.send(command), { name: 'UnknownOperationException' });
  }
});

test('a refused call throws the exception’s class', limit, async () => {
  for (const [exception, name, status] of [
    ['throttling', 'ThrottlingException', 429],
    ['serviceUnavailable', 'ServiceUnavailableException', 503],
  ]) {
    await script({ tokens: words, fault: { kind: 'refuse', exception } });
    await assert.rejects(bedrock.send(new ConverseStreamCommand({ modelId, messages: ask('Why?') })), (error) => {
      assert.equal(error.name, name);
      assert.equal(error.$metadata.httpStatusCode, status);
      return true;
    });
  }
});

test('the SDK tries a throttled call again', limit, async () => {
  await script({ tokens: words, fault: { kind: 'refuse', exception: 'throttling' } });
  const patient = new BedrockRuntimeClient({ ...options, maxAttempts: 2 });
  const { output, $metadata } = await patient.send(new ConverseCommand({ modelId, messages: ask('Why?') }));
  assert.equal(output.message.content[0].text, text);
  assert.equal($metadata.attempts, 2);
  patient.destroy();
});

test('an exception in the stream is thrown after the tokens before it', limit, async () => {
  for (const [exception, name] of [
    ['throttling', 'ThrottlingException'],
    ['modelStreamError', 'ModelStreamErrorException'],
    ['serviceUnavailable', 'ServiceUnavailableException'],
  ]) {
    const fault = { kind: 'fail', exception, afterTokens: 3 };
    await script({ tokens: words, fault });
    const command = new ConverseStreamCommand({ modelId, messages: ask('Why?') });
    const converse = await drain((await bedrock.send(command)).stream);
    assert.deepEqual(deltas(converse.events), words.slice(0, 3));
    assert.equal(converse.error?.name, name);

    await script({ tokens: words, fault });
    const raw = new InvokeModelWithResponseStreamCommand({ modelId, body: claude('Why?') });
    const invoked = await drain((await bedrock.send(raw)).body);
    assert.ok(invoked.events.length >= 3);
    assert.equal(invoked.error?.name, name);
  }
});

test('a stream that is cut ends without messageStop; one that is reset throws', limit, async () => {
  await script({ tokens: words, fault: { kind: 'cut', afterTokens: 2 } });
  const command = () => new ConverseStreamCommand({ modelId, messages: ask('Why?') });
  const cut = await drain((await bedrock.send(command())).stream);
  assert.equal(cut.error, undefined);
  assert.deepEqual(deltas(cut.events), words.slice(0, 2));
  assert.ok(!cut.events.some((event) => event.messageStop));

  await script({ tokens: words, fault: { kind: 'reset', afterTokens: 2 } });
  const reset = await drain((await bedrock.send(command())).stream);
  assert.ok(reset.error, 'a reset is no end');
});

test('leaving a stream stops the model', limit, async () => {
  const endless = Array.from({ length: 100_000 }, (_, at) => `${at} `);
  for (const client of [bedrock, overHttp1]) {
    await script({ tokens: endless, msBetweenTokens: 10 });
    const giveUp = new AbortController();
    const command = new ConverseStreamCommand({ modelId, messages: ask('Count') });
    const { stream } = await client.send(command, { abortSignal: giveUp.signal });
    const events = stream[Symbol.asyncIterator]();
    for (let read = 0; read < 4; read += 1) await events.next();
    giveUp.abort();
    await drain({ [Symbol.asyncIterator]: () => events });
    const call = await lastModelCall();
    assert.equal(call.ended, 'clientGone');
    assert.equal(call.liveStreams, 0);
    assert.ok(call.tokensSent < 1_000);
  }
});
