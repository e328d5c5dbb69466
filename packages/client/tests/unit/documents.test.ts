/** Every document that the client sends is one of the contract's. */

import { readFileSync } from 'node:fs';

import { buildSchema, parse, validate } from 'graphql';
import { expect, test } from 'vitest';

import * as account from '../../src/account_operations.js';
import * as conversations from '../../src/conversation_operations.js';
import * as sessions from '../../src/operations.js';

/** AppSync declares these itself. */
const APPSYNC = `
  directive @aws_iam on OBJECT | FIELD_DEFINITION
  directive @aws_cognito_user_pools on OBJECT | FIELD_DEFINITION
  directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
`;

const contract = readFileSync(new URL('../../../../schema.graphql', import.meta.url), 'utf8');
const schema = buildSchema(APPSYNC + contract);

const documents = Object.entries({ ...sessions, ...conversations, ...account }).filter(
  ([name]) => name !== 'STREAM_FIELDS' && name !== 'USED',
);

test.each(documents)('%s', (_, document) => {
  expect(validate(schema, parse(document))).toEqual([]);
});

test('there are all of them', () => {
  expect(documents.length).toBeGreaterThanOrEqual(13);
});
