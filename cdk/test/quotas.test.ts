/** Quotas: what a deployment has without a word, what it may be told, and what comes of it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';

import { readConfig } from '../lib/config';
import { APP_QUOTAS, describeQuotas, quotaProblems, Quotas } from '../lib/quotas';
import { TokenStream } from '../lib/token-stream';
import { toolkitContext } from '../scripts/templates';
import { Deployment, ownStack, resources, scratch, streamProps } from './deployment';
import { permissions } from './policies';

const QUOTAS: Quotas = { default: { startsPerDay: 10 }, groups: { pro: { startsPerDay: 100, sessionsAtOnce: 8 } } };
const deliveries = 'url,websocket';

function read(context: Record<string, unknown>): Quotas | undefined {
  return readConfig(new App({ context: { ...toolkitContext(), ...context } }).node).quotas;
}

/** The variables `QUOTAS` and `QUOTAS_TABLE` of each function, by its role. */
function variables(template: Template): Record<string, unknown[]> {
  return Object.fromEntries(
    resources(template, 'AWS::Lambda::Function').map(({ Properties: definition }) => {
      const { Variables: found } = definition['Environment'] as { Variables: Record<string, unknown> };
      const [, role = ''] = /"(\w+?)Role[0-9A-F]{8}"/.exec(JSON.stringify(definition['Role'])) ?? [];
      return [role, [found['QUOTAS'], found['QUOTAS_TABLE']]];
    }),
  );
}

function quotaTables(template: Template): Record<string, unknown> {
  return template.findResources('AWS::DynamoDB::Table', {
    Properties: { KeySchema: Match.arrayWith([Match.objectLike({ AttributeName: 'owner' })]) },
  });
}

describe('the context', () => {
  test('that says nothing has the quotas of the app, and whoever deploys is told', () => {
    assert.deepEqual(read({}), APP_QUOTAS);
    const { app } = new Deployment();
    const said = app.node
      .findAll()
      .flatMap(({ node }) => node.metadata)
      .filter(({ type }) => type === 'aws:cdk:info')
      .map(({ data }) => String(data));
    assert.match(
      said.join('\n'),
      /Quotas: for each user 20 starts a minute, 200 starts a day, 500,000 tokens a day, 4 sessions at once\./,
    );
  });

  test('takes a file, JSON, an object, or `none`', () => {
    const file = join(scratch(), 'quotas.json');
    writeFileSync(file, JSON.stringify(QUOTAS));
    for (const quotas of [file, JSON.stringify(QUOTAS), QUOTAS]) {
      assert.deepEqual(read({ quotas }), QUOTAS);
    }
    assert.equal(read({ quotas: 'none' }), undefined);
    assert.deepEqual(read({ quotas: '' }), APP_QUOTAS);
  });

  test('is refused where it makes no sense', () => {
    assert.throws(
      () => read({ quotas: 'no-such.json' }),
      /`quotas` is `no-such\.json`, expected JSON, the path of a JSON file, or `none`: ENOENT/,
    );
    assert.throws(() => read({ quotas: '{"default": {"starts": 1}}' }), /`quotas\.default\.starts`: is unknown/);
  });
});

describe('quotas with', () => {
  const check = (name: string, quotas: unknown, ...expected: string[]): void => {
    test(name, () => {
      assert.deepEqual(quotaProblems(quotas), expected);
    });
  };
  const limit = 'expected a whole number from 0 to 2147483647';
  check('nothing wrong', QUOTAS);
  check('limits of 0', { default: { startsPerMinute: 0, startsPerDay: 0, tokensPerDay: 0, sessionsAtOnce: 0 } });
  check('no object', [], '`quotas`: is no object, expected `default`, `groups` or both');
  check(
    'several problems',
    { defaults: {}, default: { tokensPerDay: -1, sessionsAtOnce: '4' }, groups: { pro: { startsPerDay: 2.5 } } },
    '`quotas.defaults`: is unknown, expected `default`, `groups`',
    `\`quotas.default.tokensPerDay\`: is -1, ${limit}`,
    `\`quotas.default.sessionsAtOnce\`: is "4", ${limit}`,
    `\`quotas.groups.pro.startsPerDay\`: is 2.5, ${limit}`,
  );
  check(
    'a group that Cognito would refuse',
    { groups: { 'two words': {} } },
    "`quotas.groups.two words`: is no group's name, expected 1 to 128 characters without spaces",
  );
  check(
    'groups that are a list',
    { groups: ['pro'] },
    '`quotas.groups`: is no object, expected limits by the name of a group',
  );
});

test('quotas are told in a sentence', () => {
  assert.equal(
    describeQuotas(QUOTAS),
    'for each user 10 starts a day; in the group `pro` 100 starts a day, 8 sessions at once',
  );
  assert.equal(describeQuotas({}), 'for each user no limit');
});

describe('a deployment', () => {
  const template = new Deployment({ deliveries, quotas: QUOTAS }).template('Streaming');

  test('with quotas has a table, and tells every function that starts or ends sessions', () => {
    const [[id] = []] = Object.entries(quotaTables(template));
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [
        { AttributeName: 'owner', KeyType: 'HASH' },
        { AttributeName: 'day', KeyType: 'RANGE' },
      ],
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      BillingMode: 'PAY_PER_REQUEST',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
    });
    const told = [JSON.stringify(QUOTAS), { Ref: id }];
    assert.deepEqual(variables(template), {
      StreamRequest: told,
      // It ends sessions, and starts none.
      StreamWorker: [undefined, told[1]],
      UrlHandler: told,
      WebSocketRoutes: told,
      WebSocketAuthorizer: [undefined, undefined],
    });
    template.hasOutput('QuotasTableName', { Value: { Ref: id } });
    template.hasOutput('Quotas', { Value: describeQuotas(QUOTAS) });
  });

  test('without has no table, no variable, and no right to one', () => {
    const none = new Deployment({ deliveries, quotas: 'none' }).template('Streaming');
    assert.deepEqual(quotaTables(none), {});
    assert.ok(Object.values(variables(none)).every((found) => found.every((value) => value === undefined)));
    assert.deepEqual(
      permissions(none, /./).filter((permission) => /quota/i.test(permission)),
      [],
    );
    assert.deepEqual(none.findOutputs('Quota*'), {});
  });

  const settle = ['dynamodb:PutItem', 'dynamodb:UpdateItem'];
  const start = ['dynamodb:BatchGetItem', ...settle];
  for (const [role, expected] of Object.entries({
    StreamRequest: start,
    StreamWorker: settle,
    UrlHandler: start,
    WebSocketRoutes: start,
  })) {
    test(`lets ${role} count, read if it starts sessions, and nothing else`, () => {
      const found = permissions(template, new RegExp(`^${role}Role`)).filter((permission) =>
        permission.includes('Quotas'),
      );
      assert.deepEqual(
        found.map((permission) => permission.split(' ')[0]),
        expected,
      );
    });
  }
});

describe('a construct', () => {
  test('has no quotas unless it is told', () => {
    const stack = ownStack();
    const stream = new TokenStream(stack, 'Stream', streamProps());
    assert.equal(stream.quotasTable, undefined);
    assert.deepEqual(quotaTables(Template.fromStack(stack)), {});
  });

  test('takes a table of yours, by its key', () => {
    const make = (sortKey: string): void => {
      const stack = ownStack();
      const quotasTable = new Table(stack, 'Mine', {
        partitionKey: { name: 'owner', type: AttributeType.STRING },
        sortKey: { name: sortKey, type: AttributeType.STRING },
      });
      new TokenStream(stack, 'Stream', { ...streamProps(), quotas: {}, quotasTable });
    };
    make('day');
    assert.throws(() => {
      make('month');
    }, /the quotas table's key is `owner` \(S\) and `month` \(S\), expected `owner` \(S\) and `day` \(S\)/);
    const stack = ownStack();
    const quotasTable = Table.fromTableName(stack, 'Mine', 'quotas');
    assert.throws(
      () => new TokenStream(stack, 'Stream', { ...streamProps(), quotasTable }),
      /`quotasTable` is set, but `quotas` is not/,
    );
  });

  test('refuses quotas that are wrong, and those that do not fit', () => {
    const make = (quotas: Quotas, systemPrompt = ''): unknown =>
      new TokenStream(ownStack(), 'Stream', { ...streamProps(), quotas, settings: { systemPrompt } });
    assert.throws(() => make({ default: { startsPerDay: -1 } }), /`quotas\.default\.startsPerDay`: is -1/);
    assert.throws(
      () => make(QUOTAS, 'a'.repeat(2800)),
      /`quotas` and `systemPrompt` are \d+ bytes long together, expected at most 2800/,
    );
  });

  test('lets an administrator change what a user may do, and no other table', () => {
    const stack = ownStack();
    const stream = new TokenStream(stack, 'Stream', { ...streamProps(), quotas: QUOTAS });
    stream.grantAdministerQuotas(stream.request.function);
    const template = Template.fromStack(stack);
    const found = permissions(template, /^StreamRequestRole/).filter((permission) => permission.includes('Quotas'));
    assert.deepEqual([...new Set(found.map((permission) => permission.split(' ')[0]))].sort(), [
      'dynamodb:BatchGetItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
    ]);
  });
});
