// @aws-sdk/client-sqs. It checks each body's MD5 by itself, and throws when one is wrong.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';

import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SQSClient,
  SQSServiceException,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';

import { stack } from './stack.mjs';

const limit = { timeout: 120_000 };
const sqs = new SQSClient({ region: stack.region, endpoint: stack.url, maxAttempts: 1 });
after(() => sqs.destroy());

const md5 = (text) => createHash('md5').update(text).digest('hex');

async function createQueue(QueueName, Attributes) {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  return QueueUrl;
}

const send = (QueueUrl, MessageBody, more = {}) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));

async function receive(QueueUrl, more = {}) {
  const command = new ReceiveMessageCommand({ QueueUrl, MessageSystemAttributeNames: ['All'], ...more });
  const { Messages = [] } = await sqs.send(command);
  return Messages;
}

const release = (QueueUrl, { ReceiptHandle }) =>
  sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));

async function attributes(QueueUrl, ...AttributeNames) {
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames });
  const { Attributes } = await sqs.send(command);
  return Attributes;
}

async function counts(QueueUrl) {
  const all = await attributes(QueueUrl, 'All');
  return [all.ApproximateNumberOfMessages, all.ApproximateNumberOfMessagesNotVisible].map(Number);
}

test('a message is sent, received and deleted', limit, async () => {
  const QueueUrl = await createQueue('basic');
  const MessageBody = 'rivers — 川 🏞️ <&>"';
  const sent = await send(QueueUrl, MessageBody, {
    MessageGroupId: 'alice',
    MessageAttributes: {
      kind: { DataType: 'String', StringValue: 'job' },
      size: { DataType: 'Number', StringValue: '42' },
      raw: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 255, 7]) },
    },
  });
  assert.equal(sent.MD5OfMessageBody, md5(MessageBody));
  assert.match(sent.$metadata.requestId, /^[0-9a-f-]{36}$/);

  const [message, ...others] = await receive(QueueUrl, { MessageAttributeNames: ['All'] });
  assert.deepEqual(others, []);
  assert.equal(message.MessageId, sent.MessageId);
  assert.equal(message.Body, MessageBody);
  assert.equal(message.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  assert.equal(message.MessageAttributes.kind.StringValue, 'job');
  assert.equal(message.MessageAttributes.size.StringValue, '42');
  assert.deepEqual([...message.MessageAttributes.raw.BinaryValue], [0, 255, 7]);
  assert.equal(message.Attributes.ApproximateReceiveCount, '1');
  assert.equal(message.Attributes.MessageGroupId, 'alice');
  assert.ok(Math.abs(Date.now() - Number(message.Attributes.SentTimestamp)) < 60_000);
  assert.deepEqual(await counts(QueueUrl), [0, 1]);

  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
  assert.deepEqual(await counts(QueueUrl), [0, 0]);
  // Deleting again is no error.
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
});

test('a message that was received is hidden until it is released', limit, async () => {
  const QueueUrl = await createQueue('visibility', { VisibilityTimeout: '600' });
  await send(QueueUrl, 'once');
  const [first] = await receive(QueueUrl);
  assert.deepEqual(await receive(QueueUrl), []);
  await release(QueueUrl, first);
  const [second] = await receive(QueueUrl);
  assert.equal(second.MessageId, first.MessageId);
  assert.equal(second.Attributes.ApproximateReceiveCount, '2');
  assert.notEqual(second.ReceiptHandle, first.ReceiptHandle);
  await release(QueueUrl, second);
  await assert.rejects(release(QueueUrl, second), { name: 'MessageNotInflight' });
});

test('a visibility that ends brings the message back to whoever waits', limit, async () => {
  const QueueUrl = await createQueue('expiry');
  await send(QueueUrl, 'again');
  await receive(QueueUrl, { VisibilityTimeout: 1 });
  const [again] = await receive(QueueUrl, { WaitTimeSeconds: 10 });
  assert.equal(again.Body, 'again');
  assert.equal(again.Attributes.ApproximateReceiveCount, '2');
});

test('a long poll ends with the first message, not with its time', limit, async () => {
  const QueueUrl = await createQueue('long-poll');
  const began = Date.now();
  const waiting = receive(QueueUrl, { WaitTimeSeconds: 20 });
  await send(QueueUrl, 'worth waiting for');
  const [message] = await waiting;
  assert.equal(message.Body, 'worth waiting for');
  assert.ok(Date.now() - began < 10_000);
});

test('a long poll that was given up takes no message', limit, async () => {
  const QueueUrl = await createQueue('given-up');
  const giveUp = new AbortController();
  const command = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 });
  const waiting = sqs.send(command, { abortSignal: giveUp.signal });
  giveUp.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  await send(QueueUrl, 'still here');
  const [message] = await receive(QueueUrl, { WaitTimeSeconds: 5 });
  assert.equal(message.Body, 'still here');
});

test('batches succeed and fail entry by entry', limit, async () => {
  const QueueUrl = await createQueue('batch');
  const ids = Array.from({ length: 10 }, (_, at) => `id${at}`);
  const Entries = ids.map((Id) => ({ Id, MessageBody: `body of ${Id}` }));
  const sent = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  assert.deepEqual(sent.Successful.map(({ Id }) => Id).sort(), ids.toSorted());
  assert.deepEqual(sent.Failed ?? [], []);

  const received = await receive(QueueUrl, { MaxNumberOfMessages: 10 });
  assert.deepEqual(received.map(({ Body }) => Body).sort(), Entries.map(({ MessageBody }) => MessageBody).sort());
  const [forged, ...real] = received.map(({ ReceiptHandle }, at) => ({
    Id: ids[at],
    ReceiptHandle: at === 0 ? 'forged' : ReceiptHandle,
  }));
  const hidden = real.map((entry) => ({ ...entry, VisibilityTimeout: 60 }));
  const changed = await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries: hidden }));
  assert.equal(changed.Successful.length, 9);
  const deleted = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: [forged, ...real] }));
  assert.equal(deleted.Successful.length, 9);
  assert.equal(deleted.Failed.length, 1);
  assert.equal(deleted.Failed[0].Id, forged.Id);
  assert.equal(deleted.Failed[0].Code, 'ReceiptHandleIsInvalid');
  assert.equal(deleted.Failed[0].SenderFault, true);
  assert.deepEqual(await counts(QueueUrl), [0, 1]);
});

test('queues and their attributes', limit, async () => {
  const QueueUrl = await createQueue('attributes', { VisibilityTimeout: '45', DelaySeconds: '3' });
  assert.equal(QueueUrl, `${stack.url}/${stack.accountId}/attributes`);
  const found = await sqs.send(new GetQueueUrlCommand({ QueueName: 'attributes' }));
  assert.equal(found.QueueUrl, QueueUrl);
  const { QueueUrls } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'attrib' }));
  assert.deepEqual(QueueUrls, [QueueUrl]);

  const all = await attributes(QueueUrl, 'All');
  assert.equal(all.QueueArn, `arn:aws:sqs:${stack.region}:${stack.accountId}:attributes`);
  assert.equal(all.VisibilityTimeout, '45');
  assert.equal(all.DelaySeconds, '3');
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: '90' } }));
  assert.deepEqual(await attributes(QueueUrl, 'VisibilityTimeout'), { VisibilityTimeout: '90' });

  await send(QueueUrl, 'delayed');
  assert.equal((await attributes(QueueUrl, 'All')).ApproximateNumberOfMessagesDelayed, '1');
  await send(QueueUrl, 'at once', { DelaySeconds: 0 });
  assert.deepEqual(
    (await receive(QueueUrl)).map(({ Body }) => Body),
    ['at once'],
  );
  await sqs.send(new PurgeQueueCommand({ QueueUrl }));
  assert.deepEqual(await counts(QueueUrl), [0, 0]);
  await sqs.send(new DeleteQueueCommand({ QueueUrl }));
  await assert.rejects(attributes(QueueUrl, 'All'), { name: 'QueueDoesNotExist' });
});

test('the stack’s own queue redrives to its dead-letter queue', limit, async () => {
  const { RedrivePolicy } = await attributes(stack.queueUrl, 'RedrivePolicy');
  const policy = JSON.parse(RedrivePolicy);
  assert.equal(policy.deadLetterTargetArn, stack.deadLetterQueueArn);
  assert.equal(Number(policy.maxReceiveCount), 1000);
});

test('a message that was received too often goes to the dead-letter queue, and back', limit, async () => {
  const dead = await createQueue('dead');
  const { QueueArn: deadLetterTargetArn } = await attributes(dead, 'QueueArn');
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: '2' });
  const QueueUrl = await createQueue('fragile', { RedrivePolicy });
  const { QueueArn } = await attributes(QueueUrl, 'QueueArn');
  const { queueUrls } = await sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }));
  assert.deepEqual(queueUrls, [QueueUrl]);

  const { MessageId } = await send(QueueUrl, 'poison', {
    MessageAttributes: { kind: { DataType: 'String', StringValue: 'job' } },
  });
  for (const _ of ['first', 'second']) {
    const [message] = await receive(QueueUrl);
    await release(QueueUrl, message);
  }
  assert.deepEqual(await receive(QueueUrl), []);
  const [buried] = await receive(dead, { MessageAttributeNames: ['All'], VisibilityTimeout: 0 });
  assert.equal(buried.MessageId, MessageId);
  assert.equal(buried.Body, 'poison');
  assert.equal(buried.MessageAttributes.kind.StringValue, 'job');
  assert.equal(buried.Attributes.DeadLetterQueueSourceArn, QueueArn);

  const SourceArn = deadLetterTargetArn;
  const { TaskHandle } = await sqs.send(new StartMessageMoveTaskCommand({ SourceArn }));
  assert.ok(TaskHandle);
  const [back] = await receive(QueueUrl, { WaitTimeSeconds: 10 });
  assert.equal(back.Body, 'poison');
  const { Results } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn }));
  assert.equal(Results[0].SourceArn, SourceArn);
  assert.equal(Results[0].ApproximateNumberOfMessagesMoved, 1);
  assert.deepEqual(await counts(dead), [0, 0]);
});

test('an error has its older code as well, by which many programs still tell it', limit, async () => {
  await assert.rejects(sqs.send(new GetQueueUrlCommand({ QueueName: 'nowhere' })), {
    name: 'QueueDoesNotExist',
    Code: 'AWS.SimpleQueueService.NonExistentQueue',
    Type: 'Sender',
    message: 'The specified queue does not exist.',
  });
});

test('errors have the names of the SDK’s classes', limit, async () => {
  const QueueUrl = await createQueue('errors');
  const nowhere = QueueUrl.replace('errors', 'nowhere');
  const batch = (...ids) => ids.map((Id) => ({ Id, MessageBody: 'x' }));
  for (const [name, command] of [
    ['QueueDoesNotExist', new SendMessageCommand({ QueueUrl: nowhere, MessageBody: 'x' })],
    ['QueueDoesNotExist', new GetQueueUrlCommand({ QueueName: 'nowhere' })],
    ['QueueNameExists', new CreateQueueCommand({ QueueName: 'errors', Attributes: { VisibilityTimeout: '1' } })],
    ['ReceiptHandleIsInvalid', new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'forged' })],
    ['EmptyBatchRequest', new SendMessageBatchCommand({ QueueUrl, Entries: [] })],
    ['TooManyEntriesInBatchRequest', new SendMessageBatchCommand({ QueueUrl, Entries: batch(...'abcdefghijk') })],
    ['BatchEntryIdsNotDistinct', new SendMessageBatchCommand({ QueueUrl, Entries: batch('a', 'a') })],
    ['InvalidBatchEntryId', new SendMessageBatchCommand({ QueueUrl, Entries: batch('not an id') })],
    ['InvalidAttributeName', new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Nonsense'] })],
    ['InvalidAttributeValue', new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: '-1' } })],
    ['InvalidMessageContents', new SendMessageCommand({ QueueUrl, MessageBody: '\u0000' })],
    ['InvalidParameterValue', new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 11 })],
    ['InvalidParameterValue', new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(1024 * 1024 + 1) })],
    ['MissingParameter', new SendMessageCommand({ QueueUrl })],
    ['ResourceNotFoundException', new StartMessageMoveTaskCommand({ SourceArn: `${stack.deadLetterQueueArn}-none` })],
  ]) {
    await assert.rejects(sqs.send(command), (error) => {
      assert.ok(error instanceof SQSServiceException, `${name}: ${error}`);
      assert.equal(error.name, name);
      assert.ok(error.message.length > 10, `${name}: ${error.message}`);
      assert.match(`${error.$metadata.httpStatusCode}`, /^4/);
      return true;
    });
  }
});
