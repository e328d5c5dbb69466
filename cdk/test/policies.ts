/** Every policy statement of a template, wherever it hides. */
import assert from 'node:assert/strict';
import { Template } from 'aws-cdk-lib/assertions';

export interface Statement {
  /** The resource that holds the policy, by its logical id. */
  readonly holder: string;
  readonly type: string;
  readonly effect: string;
  readonly actions: readonly string[];
  /** Each as it is in the template, as JSON. */
  readonly resources: readonly string[];
  readonly conditions: string;
}

/** What a function that ends sessions may do with the table of quotas, of a deployment with the app's own ids. */
export const SETTLES_QUOTAS: readonly (readonly [action: string, on: string])[] = onQuotas('PutItem', 'UpdateItem');

/** What a function may do that starts sessions. */
export const USES_QUOTAS: readonly (readonly [action: string, on: string])[] = [
  ...onQuotas('BatchGetItem'),
  ...SETTLES_QUOTAS,
];

function onQuotas(...actions: string[]): [action: string, on: string][] {
  return actions.map((action) => [`dynamodb:${action}`, '{"Fn::GetAtt":["StreamQuotasTableC1EE7578","Arn"]}']);
}

/** The statements of policies on roles, queues, topics, keys, and of inline ones. */
export function statements(template: Template): Statement[] {
  const { Resources: resources } = template.toJSON() as {
    Resources: Record<string, { Type: string; Properties?: unknown }>;
  };
  return Object.entries(resources).flatMap(([holder, { Type: type, Properties: properties }]) =>
    documents(properties).flatMap((document) =>
      list(document['Statement']).map((statement) => read(holder, type, statement as Record<string, unknown>)),
    ),
  );
}

/** What a policy on the role of `function` permits, as `action on resource`. */
export function permissions(template: Template, role: RegExp): string[] {
  return statements(template)
    .filter(({ holder, type, effect }) => type === 'AWS::IAM::Policy' && effect === 'Allow' && role.test(holder))
    .flatMap(({ actions, resources }) => actions.flatMap((action) => resources.map((on) => `${action} on ${on}`)))
    .sort();
}

/** Each permission of a role but for logs and traces, as its action and a part of what it is on: these, and no other. */
export function checkPermissions(template: Template, role: RegExp, expected: readonly (readonly string[])[]): void {
  const found = permissions(template, role).filter((permission) => !/^(logs|xray):/.test(permission));
  assert.equal(found.length, expected.length, found.join('\n'));
  for (const [action = '', on = ''] of expected) {
    const matching = found.filter((permission) => permission.startsWith(`${action} `) && permission.includes(on));
    assert.equal(matching.length, 1, `${action} on ${on}: ${matching.join('\n')}`);
  }
}

function read(holder: string, type: string, statement: Record<string, unknown>): Statement {
  const unusual = ['NotAction', 'NotResource', 'NotPrincipal'].find((key) => key in statement);
  if (unusual) {
    throw new Error(`${holder} has a statement with ${unusual}, which is not reviewed here`);
  }
  return {
    holder,
    type,
    effect: String(statement['Effect']),
    actions: list(statement['Action']).map(String),
    resources: list(statement['Resource']).map((resource) => JSON.stringify(resource)),
    conditions: JSON.stringify(statement['Condition'] ?? {}),
  };
}

/** Whatever looks like a policy document, except for who may assume a role, which has no resource. */
function documents(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) {
    return value.flatMap(documents);
  }
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  const object = value as Record<string, unknown>;
  if ('Statement' in object && 'Version' in object) {
    return [object];
  }
  return Object.entries(object).flatMap(([key, inner]) => (key === 'AssumeRolePolicyDocument' ? [] : documents(inner)));
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : value === undefined ? [] : [value];
}
