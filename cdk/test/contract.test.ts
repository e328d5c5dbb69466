/** The limits and resolvers, against the schema itself. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { buildASTSchema, getNamedType, GraphQLField, isObjectType, Kind, parse, SelectionSetNode } from 'graphql';

import { PUBLISH_FILE, REQUEST_FUNCTION_FILE, SCHEMA_FILE } from '../lib/assets';
import { REPOSITORY_DIR } from '../lib/paths';
import { PUBLISH_FIELDS, REQUEST_FIELDS } from '../lib/resolvers';
import { Deployment, only } from './deployment';

const schema = buildASTSchema(parse(readFileSync(SCHEMA_FILE, 'utf8')), { assumeValidSDL: true });
const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
const operations = roots.flatMap((root) =>
  Object.values(root?.getFields() ?? {}).map((field) => ({ name: `${root?.name}.${field.name}`, field })),
);

describe('the limits of the API', () => {
  const { Properties: api } = only(new Deployment().template('Streaming'), 'AWS::AppSync::GraphQLApi');
  test("are the contract's own: its deepest and its largest operation", () => {
    const sizes = operations.map(({ field }) => measure(field));
    assert.equal(api['QueryDepthLimit'], Math.max(...sizes.map(({ depth }) => depth)));
    assert.equal(api['ResolverCountLimit'], Math.max(...sizes.map(({ fields }) => fields)));
  });

  test('let the usual introspection query through, where it is allowed', () => {
    const open = only(new Deployment({ introspection: 'true' }).template('Streaming'), 'AWS::AppSync::GraphQLApi');
    // __schema, types, fields, args, type, nine times ofType, name
    assert.ok(Number(open.Properties['QueryDepthLimit']) >= 15);
  });
});

test('every operation is answered by something', () => {
  const answered = [
    ...REQUEST_FIELDS.map(([type, field]) => `${type}.${field}`),
    ...PUBLISH_FIELDS.map((field) => `Mutation.${field}`),
  ];
  assert.deepEqual(operations.map(({ name }) => name).sort(), answered.sort());
});

describe('AppSync sends subscribers only what the mutation selected, so that there is selected', () => {
  for (const name of ['publish_token', 'publish_conversation']) {
    test(`every field in ${name}.graphql`, () => {
      const file = join(REPOSITORY_DIR, 'crates', 'tokencast-aws', 'src', 'appsync', `${name}.graphql`);
      const [definition] = parse(readFileSync(file, 'utf8')).definitions;
      assert.ok(definition?.kind === Kind.OPERATION_DEFINITION);
      const selected = leaves(definition.selectionSet);
      const [root = ''] = selected[0]?.split('.') ?? [];
      const field = schema.getMutationType()?.getFields()[root];
      assert.ok(field);
      assert.deepEqual(selected.sort(), fieldsBelow(field).sort());
    });
  }
});

for (const file of [PUBLISH_FILE, REQUEST_FUNCTION_FILE]) {
  test(`the resolver ${basename(file)} takes nothing that its runtime lacks`, () => {
    const code = readFileSync(file, 'utf8');
    assert.deepEqual(
      [...code.matchAll(/^import .* from '(.*)';$/gm)].map(([, module]) => module),
      ['@aws-appsync/utils'],
    );
    assert.match(code, /^export function request\(ctx\) \{$/m);
    assert.match(code, /^export function response\(ctx\) \{$/m);
    assert.ok(Buffer.byteLength(code) < 32_768);
  });
}

test('each field that the request function answers passes on what the function reads, by the shipped code', () => {
  const template = new Deployment().template('Streaming');
  for (const [TypeName, FieldName] of REQUEST_FIELDS) {
    template.hasResourceProperties('AWS::AppSync::Resolver', {
      TypeName,
      FieldName,
      Kind: 'UNIT',
      DataSourceName: 'TokencastRequest',
      Runtime: { Name: 'APPSYNC_JS', RuntimeVersion: '1.0.0' },
      Code: readFileSync(REQUEST_FUNCTION_FILE, 'utf8'),
    });
  }
});

/** The paths of all fields that are selected and have no fields of their own. */
function leaves({ selections }: SelectionSetNode): string[] {
  return selections.flatMap((selection) => {
    assert.ok(selection.kind === Kind.FIELD && !selection.alias);
    const { name, selectionSet } = selection;
    return selectionSet ? leaves(selectionSet).map((path) => `${name.value}.${path}`) : [name.value];
  });
}

/** The same of all fields that there are. */
function fieldsBelow({ name, type }: GraphQLField<unknown, unknown>): string[] {
  const named = getNamedType(type);
  return isObjectType(named)
    ? Object.values(named.getFields())
        .flatMap(fieldsBelow)
        .map((path) => `${name}.${path}`)
    : [name];
}

/** The levels and the fields of an operation that asks for everything, as clients do that add `__typename` to each object. */
function measure(field: GraphQLField<unknown, unknown>): { depth: number; fields: number } {
  const type = getNamedType(field.type);
  const inner = isObjectType(type) ? Object.values(type.getFields()).map(measure) : [];
  const typename = inner.length > 0 ? 1 : 0;
  return {
    depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
    fields: 1 + typename + inner.reduce((sum, { fields }) => sum + fields, 0),
  };
}
