/** The JSON Schema of the assistants' file agrees with the functions' reader: the same files check both. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Ajv from 'ajv';

import { CDK_DIR, REPOSITORY_DIR } from '../lib/paths';

interface Case {
  readonly name: string;
  readonly file: unknown;
  /** Only of a bad file: no schema can tell what is wrong with it. */
  readonly schemaAccepts?: boolean;
}

// The validator knows no newer draft, and this schema uses nothing of one.
const { $schema, ...schema } = JSON.parse(readFileSync(join(CDK_DIR, 'assistants.schema.json'), 'utf8')) as Record<
  string,
  unknown
>;
const validate = new Ajv().compile(schema);

function cases(kind: 'good' | 'bad'): Case[] {
  const path = join(REPOSITORY_DIR, 'tests', 'fixtures', 'assistants', `${kind}.json`);
  return JSON.parse(readFileSync(path, 'utf8')) as Case[];
}

test('the schema says which draft it is of', () => {
  assert.equal($schema, 'https://json-schema.org/draft/2020-12/schema');
});

for (const { name, file } of cases('good')) {
  test(`the schema accepts a good file: ${name}`, () => {
    assert.equal(validate(file), true, JSON.stringify(validate.errors));
  });
}

for (const { name, file, schemaAccepts = false } of cases('bad')) {
  test(`the schema ${schemaAccepts ? 'accepts' : 'refuses'} a bad file: ${name}`, () => {
    assert.equal(validate(file), schemaAccepts, JSON.stringify(validate.errors));
  });
}
