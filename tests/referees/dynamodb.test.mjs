// @aws-sdk/client-dynamodb: what the session table relies on, and what an operator does to a table.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';

import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  paginateScan,
} from '@aws-sdk/client-dynamodb';

import { READ, TURN } from './session.mjs';
import { tokens } from './sign-in.mjs';
import { alice, stack } from './stack.mjs';

const limit = { timeout: 120_000 };
const dynamodb = new DynamoDBClient({ region: stack.region, endpoint: stack.url, maxAttempts: 1 });
const TableName = 'notes';

before(() =>
  dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'owner', KeyType: 'HASH' },
        { AttributeName: 'at', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'owner', AttributeType: 'S' },
        { AttributeName: 'at', AttributeType: 'N' },
      ],
    }),
  ),
);
after(async () => {
  await dynamodb.send(new DeleteTableCommand({ TableName }));
  dynamodb.destroy();
});

const key = (owner, at) => ({ owner: { S: owner }, at: { N: `${at}` } });
const note = (owner, at, more = {}) => ({ ...key(owner, at), text: { S: `${owner} ${at}` }, ...more });
const put = (Item, more = {}) => dynamodb.send(new PutItemCommand({ TableName, Item, ...more }));
const get = async (Key) => (await dynamodb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;

test('the session table is there, with its time to live', limit, async () => {
  const { TableNames } = await dynamodb.send(new ListTablesCommand({}));
  assert.ok(TableNames.includes(stack.table));
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: stack.table }));
  assert.equal(Table.TableStatus, 'ACTIVE');
  assert.deepEqual(Table.KeySchema, [{ AttributeName: 'sessionId', KeyType: 'HASH' }]);
  assert.deepEqual(Table.AttributeDefinitions, [{ AttributeName: 'sessionId', AttributeType: 'S' }]);
  const ttl = await dynamodb.send(new DescribeTimeToLiveCommand({ TableName: stack.table }));
  assert.deepEqual(ttl.TimeToLiveDescription, { AttributeName: 'expiresAt', TimeToLiveStatus: 'ENABLED' });
});

test('the items of a conversation are read as they were written', limit, async () => {
  const { AccessToken } = await tokens(alice);
  const graphql = async (query, variables) => {
    const response = await fetch(stack.graphqlUrl, {
      method: 'POST',
      headers: { authorization: AccessToken, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    assert.equal(errors, undefined, JSON.stringify(errors));
    return data;
  };
  const [conversationId, sessionId] = [randomUUID(), randomUUID()];
  const prompt = 'Why do rivers meander? 川 🦀';
  // A short prompt stands with the head of its turn, a longer one has items of its own.
  const [longId, long] = [randomUUID(), `${prompt} `.repeat(20)];
  for (const [id, asked] of [
    [sessionId, prompt],
    [longId, long],
  ]) {
    await graphql(TURN, { prompt: asked, sessionId: id, conversationId });
    let answer;
    do ({ getStream: answer } = await graphql(READ, { sessionId: id }));
    while (answer.status !== 'COMPLETED');
  }

  const { Items } = await dynamodb.send(
    new QueryCommand({
      TableName: stack.conversationsTable,
      ConsistentRead: true,
      KeyConditionExpression: 'conversationId = :id',
      ExpressionAttributeValues: { ':id': { S: conversationId } },
    }),
  );
  const items = Object.fromEntries(Items.map((item) => [item.item.S, item]));
  const keys = ['conversation', `prompt#${longId}#0`, `turn#${longId}`, `turn#${sessionId}`];
  assert.deepEqual(Object.keys(items).sort(), keys.sort());
  const { conversation, [`prompt#${longId}#0`]: apart, [`turn#${longId}`]: longTurn, [`turn#${sessionId}`]: turn } = items;
  const sub = JSON.parse(Buffer.from(AccessToken.split('.')[1], 'base64url')).sub;
  assert.deepEqual(conversation.owner, { S: sub });
  assert.deepEqual(conversation.title, { S: prompt });
  assert.deepEqual(conversation.lastSession, { S: longId });
  assert.deepEqual(conversation.turnCount, { N: '2' });
  assert.deepEqual(turn.prompt, { S: prompt });
  assert.deepEqual(apart.text, { S: long });
  assert.equal(longTurn.prompt, undefined);
  assert.deepEqual(turn.status, { S: 'COMPLETED' });
  const now = Date.now() / 1000;
  for (const { expiresAt } of Items) assert.ok(Number(expiresAt.N) > now, expiresAt.N);

  const key = { sessionId: { S: sessionId } };
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName: stack.table, Key: key, ConsistentRead: true }));
  assert.deepEqual(Item.conversationId, { S: conversationId });
  assert.equal(Item.status.S, 'COMPLETED');
});

test('every type of attribute survives', limit, async () => {
  const item = note('types', 1, {
    bytes: { B: new Uint8Array([0, 1, 255]) },
    flag: { BOOL: true },
    nothing: { NULL: true },
    list: { L: [{ S: 'a' }, { N: '1.5' }] },
    map: { M: { 'a.b': { S: '川' } } },
    names: { SS: ['x', 'y'] },
    numbers: { NS: ['1', '2'] },
  });
  await put(item);
  const found = await get(key('types', 1));
  assert.deepEqual([...found.bytes.B], [0, 1, 255]);
  for (const sets of [found, item]) {
    delete sets.bytes;
    sets.names.SS.sort();
    sets.numbers.NS.sort();
  }
  assert.deepEqual(found, item);
  assert.equal(await get(key('types', 2)), undefined);
});

test('a put may ask that nothing is there yet', limit, async () => {
  const condition = { ConditionExpression: 'attribute_not_exists(#o)', ExpressionAttributeNames: { '#o': 'owner' } };
  await put(note('once', 1), condition);
  await assert.rejects(put(note('once', 1, { text: { S: 'other' } }), condition), (error) => {
    assert.ok(error instanceof DynamoDBServiceException);
    assert.equal(error.name, 'ConditionalCheckFailedException');
    assert.equal(error.message, 'The conditional request failed');
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.equal(error.Item, undefined);
    return true;
  });
  const wanting = { ...condition, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
  await assert.rejects(put(note('once', 1), wanting), (error) => {
    assert.deepEqual(error.Item, note('once', 1));
    return true;
  });
  assert.deepEqual(await get(key('once', 1)), note('once', 1));
});

test('an update changes what its condition allows', limit, async () => {
  await put(note('lease', 1, { attempt: { N: '1' }, tags: { SS: ['a'] } }));
  const takeOver = (from) =>
    dynamodb.send(
      new UpdateItemCommand({
        TableName,
        Key: key('lease', 1),
        UpdateExpression:
          'SET attempt = attempt + :one, #s = :streaming, parts = list_append(if_not_exists(parts, :none), :part) REMOVE #t ADD tags :tags',
        ConditionExpression: 'attempt = :from AND (attribute_not_exists(#s) OR #s IN (:queued, :streaming))',
        ExpressionAttributeNames: { '#s': 'status', '#t': 'text' },
        ExpressionAttributeValues: {
          ':one': { N: '1' },
          ':from': { N: `${from}` },
          ':queued': { S: 'QUEUED' },
          ':streaming': { S: 'STREAMING' },
          ':none': { L: [] },
          ':part': { L: [{ S: 'p' }] },
          ':tags': { SS: ['b'] },
        },
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
  const { Attributes } = await takeOver(1);
  assert.equal(Attributes.attempt.N, '2');
  assert.equal(Attributes.status.S, 'STREAMING');
  assert.equal(Attributes.text, undefined);
  assert.deepEqual(Attributes.parts.L, [{ S: 'p' }]);
  assert.deepEqual(Attributes.tags.SS.toSorted(), ['a', 'b']);
  await assert.rejects(takeOver(1), (error) => {
    assert.equal(error.name, 'ConditionalCheckFailedException');
    assert.equal(error.Item.attempt.N, '2');
    return true;
  });
});

test('of many conditional updates at once, one wins', limit, async () => {
  await put(note('race', 1, { version: { N: '0' } }));
  const attempts = Array.from({ length: 20 }, () =>
    dynamodb.send(
      new UpdateItemCommand({
        TableName,
        Key: key('race', 1),
        UpdateExpression: 'SET version = :next',
        ConditionExpression: 'version = :read',
        ExpressionAttributeValues: { ':read': { N: '0' }, ':next': { N: '1' } },
      }),
    ),
  );
  const outcomes = await Promise.allSettled(attempts);
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const { reason } of outcomes) {
    if (reason) assert.equal(reason.name, 'ConditionalCheckFailedException');
  }
});

test('queries and scans find, filter and page', limit, async () => {
  const items = Array.from({ length: 30 }, (_, at) => note('pages', at));
  for (let from = 0; from < items.length; from += 25) {
    const requests = items.slice(from, from + 25).map((Item) => ({ PutRequest: { Item } }));
    const { UnprocessedItems } = await dynamodb.send(
      new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }),
    );
    assert.deepEqual(UnprocessedItems ?? {}, {});
  }
  const { Items, Count, ScannedCount } = await dynamodb.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: '#o = :owner AND #a BETWEEN :from AND :to',
      FilterExpression: 'contains(#t, :five)',
      ExpressionAttributeNames: { '#o': 'owner', '#a': 'at', '#t': 'text' },
      ExpressionAttributeValues: {
        ':owner': { S: 'pages' },
        ':from': { N: '5' },
        ':to': { N: '25' },
        ':five': { S: '5' },
      },
      ScanIndexForward: false,
    }),
  );
  assert.deepEqual(
    Items.map(({ at }) => at.N),
    ['25', '15', '5'],
  );
  assert.deepEqual([Count, ScannedCount], [3, 21]);

  const pages = paginateScan(
    { client: dynamodb, pageSize: 7 },
    {
      TableName,
      FilterExpression: '#o = :owner',
      ExpressionAttributeNames: { '#o': 'owner' },
      ExpressionAttributeValues: { ':owner': { S: 'pages' } },
    },
  );
  const scanned = [];
  for await (const { Items: page } of pages) scanned.push(...page);
  assert.deepEqual(
    scanned.map(({ at }) => Number(at.N)).sort((a, b) => a - b),
    items.map((_, at) => at),
  );

  const { Responses } = await dynamodb.send(
    new BatchGetItemCommand({
      RequestItems: { [TableName]: { Keys: [key('pages', 1), key('pages', 2), key('pages', 99)] } },
    }),
  );
  assert.deepEqual(Responses[TableName].map(({ at }) => at.N).sort(), ['1', '2']);
  const { Count: all } = await dynamodb.send(new ScanCommand({ TableName, Select: 'COUNT' }));
  assert.ok(all >= 30);
});

test('a transaction is all or nothing', limit, async () => {
  await put(note('taken', 1));
  const transaction = (at) => [
    { Put: { TableName, Item: note('transaction', at) } },
    {
      Put: {
        TableName,
        Item: note('taken', at),
        ConditionExpression: 'attribute_not_exists(#o)',
        ExpressionAttributeNames: { '#o': 'owner' },
      },
    },
  ];
  await assert.rejects(dynamodb.send(new TransactWriteItemsCommand({ TransactItems: transaction(1) })), (error) => {
    assert.equal(error.name, 'TransactionCanceledException');
    assert.deepEqual(
      error.CancellationReasons.map(({ Code }) => Code),
      ['None', 'ConditionalCheckFailed'],
    );
    return true;
  });
  assert.equal(await get(key('transaction', 1)), undefined);
  await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: transaction(2) }));
  assert.deepEqual(await get(key('transaction', 2)), note('transaction', 2));
});

test('a delete returns what was there', limit, async () => {
  await put(note('gone', 1));
  const remove = () =>
    dynamodb.send(new DeleteItemCommand({ TableName, Key: key('gone', 1), ReturnValues: 'ALL_OLD' }));
  assert.deepEqual((await remove()).Attributes, note('gone', 1));
  assert.equal((await remove()).Attributes, undefined);
});

test('errors have the names of the SDK’s classes', limit, async () => {
  const update = { TableName, Key: key('errors', 1) };
  for (const [name, command] of [
    ['ResourceNotFoundException', new GetItemCommand({ TableName: 'nowhere', Key: key('x', 1) })],
    [
      'ResourceInUseException',
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      }),
    ],
    ['ValidationException', new GetItemCommand({ TableName, Key: { owner: { S: 'x' } } })],
    ['ValidationException', new PutItemCommand({ TableName, Item: { owner: { N: '1' }, at: { N: '1' } } })],
    ['ValidationException', new UpdateItemCommand({ ...update, UpdateExpression: 'SET' })],
    ['ValidationException', new UpdateItemCommand({ ...update, UpdateExpression: 'SET x = :missing' })],
    [
      'ValidationException',
      new PutItemCommand({ TableName, Item: note('big', 1, { text: { S: 'x'.repeat(400 * 1024) } }) }),
    ],
  ]) {
    await assert.rejects(dynamodb.send(command), (error) => {
      assert.ok(error instanceof DynamoDBServiceException, `${name}: ${error}`);
      assert.equal(error.name, name, error.message);
      assert.equal(error.$metadata.httpStatusCode, 400);
      assert.ok(error.$metadata.requestId);
      return true;
    });
  }
});
