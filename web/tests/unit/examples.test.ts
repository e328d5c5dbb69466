/** The playground's examples are operations of the schema, and have the variables that they need. */

import { readFileSync } from 'node:fs';

import { buildSchema, Kind, parse, validate, type OperationDefinitionNode } from 'graphql';
import { beforeEach, expect, test, vi } from 'vitest';

import { examples, startAnew } from '../../src/playground/examples';

const SCHEMA = readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8');
const DIRECTIVES = `
  directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
  directive @aws_cognito_user_pools on FIELD_DEFINITION | OBJECT
  directive @aws_iam on FIELD_DEFINITION | OBJECT
`;
const schema = buildSchema(DIRECTIVES + SCHEMA);

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
});

test('each is valid, and names its variables', () => {
  for (const { query, variables } of examples('owner')) {
    const document = parse(query);
    expect(validate(schema, document)).toEqual([]);
    const [operation] = document.definitions as OperationDefinitionNode[];
    const required = (operation?.variableDefinitions ?? [])
      .filter(({ type }) => type.kind === Kind.NON_NULL_TYPE)
      .map(({ variable }) => variable.name.value);
    expect(Object.keys(JSON.parse(variables) as object)).toEqual(expect.arrayContaining(required));
  }
});

test('all fields that a user may ask for are there', () => {
  const asked = new Set(examples('owner').map(({ query }) => /\{\s*(\w+)/.exec(query)?.[1] ?? ''));
  const types = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const fields = types.flatMap((type) => Object.keys(type?.getFields() ?? {}));
  // For the functions alone, or a part of another.
  const others = new Set(['publishToken', 'publishConversation', 'getStreamStatus']);
  expect([...asked].sort()).toEqual(fields.filter((field) => !others.has(field)).sort());
});

test('the ids stay until a new session is wanted', () => {
  const before = examples('owner');
  expect(examples('owner')).toEqual(before);
  expect(startAnew('owner')).not.toEqual(before);
});
