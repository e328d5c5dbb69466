/** What every kind of deployment must keep: AwsSolutions' rules, no wildcard that nobody reviewed, no account's name. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Aws, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ManagedPolicy, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { IConstruct } from 'constructs';

import { JOIN_VPC } from '../lib/organization';
import { VARIANTS } from '../scripts/variants';
import { Deployment, ownStack } from './deployment';
import { Statement, statements } from './policies';

interface Reviewed {
  readonly reason: string;
  readonly matches: (statement: Statement) => boolean;
}

/** The only statements that may hold a `*`. */
const REVIEWED: readonly Reviewed[] = [
  {
    reason: 'X-Ray knows no resources: its two writing actions can only be allowed on `*`.',
    matches: ({ type, effect, actions, resources }) =>
      type === 'AWS::IAM::Policy' &&
      effect === 'Allow' &&
      actions.every((action) => ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'].includes(action)) &&
      resources.join() === '"*"',
  },
  {
    reason:
      "Lambda's network interfaces have ids that nobody knows beforehand: AWS's own policy for it allows the same.",
    matches: ({ type, effect, actions, resources }) =>
      type === 'AWS::IAM::Policy' &&
      effect === 'Allow' &&
      resources.join() === '"*"' &&
      actions.some((action) => action.startsWith('ec2:')) &&
      actions.every((action) => [...JOIN_VPC, 'xray:PutTelemetryRecords', 'xray:PutTraceSegments'].includes(action)),
  },
  {
    reason: "A connection's id is API Gateway's, and comes and goes: any of one stage of one API, to push to.",
    matches: ({ type, effect, actions, resources }) =>
      type === 'AWS::IAM::Policy' &&
      effect === 'Allow' &&
      actions.join() === 'execute-api:ManageConnections' &&
      /^{"Fn::Join":\["",\[[^*]*,{"Ref":"\w*Api\w*"},"\/\w+\/POST\/@connections\/\*"]]}$/.test(resources.join()),
  },
  {
    reason: 'It refuses every action on the queue, to everyone without TLS: only a wildcard says all.',
    matches: ({ type, effect, actions, conditions }) =>
      type === 'AWS::SQS::QueuePolicy' &&
      effect === 'Deny' &&
      actions.join() === 'sqs:*' &&
      conditions === '{"Bool":{"aws:SecureTransport":"false"}}',
  },
  {
    reason: "A key's own policy: `*` is this key, and the account decides by IAM, as for any key.",
    matches: ({ type, actions, resources }) =>
      type === 'AWS::KMS::Key' &&
      resources.join() === '"*"' &&
      actions.every((action) => /^kms:[A-Za-z*]+$/.test(action)),
  },
];

const deployments = Object.entries(VARIANTS).map(([name, context]) => ({
  name,
  context,
  deployment: new Deployment(context),
}));

for (const { name, context, deployment } of deployments) {
  describe(`the variant ${name}`, () => {
    test('breaks no rule of AwsSolutions', () => {
      assert.deepEqual(findings(deployment.app), []);
    });

    test('has a reason for each rule that it sets aside', () => {
      for (const [path, { id, reason }] of acknowledged(deployment.app)) {
        assert.match(id, /AwsSolutions-[A-Z0-9]+(\[.+\])?$/, path);
        assert.ok(reason.length > 40, `${path}: ${id}: ${reason}`);
      }
    });

    test('has no wildcard in a policy that was not reviewed', () => {
      const unreviewed = deployment.templates
        .flatMap(statements)
        .filter(hasWildcard)
        .filter((statement) => !REVIEWED.some(({ matches }) => matches(statement)));
      assert.deepEqual(unreviewed, []);
    });

    test('can be deployed to any account and Region', () => {
      for (const stack of deployment.names) {
        const given = Object.values(context).join(' ');
        const accounts = JSON.stringify(deployment.template(stack).toJSON()).match(/\b\d{12}\b/g) ?? [];
        assert.deepEqual(
          accounts.filter((account) => !given.includes(account)),
          [],
        );
      }
    });
  });
}

test('each review is of something that is there', () => {
  const all = deployments.flatMap(({ deployment }) => deployment.templates.flatMap(statements));
  for (const { reason, matches } of REVIEWED) {
    assert.ok(all.filter(hasWildcard).some(matches), reason);
  }
});

test('the rules do find what is wrong', () => {
  const stack = ownStack();
  new Bucket(stack, 'Open');
  assert.ok(findings(stack.node.root).includes('AwsSolutions-S1 Own/Open/Resource'));
});

test('a wildcard is found wherever it is', () => {
  const stack = ownStack();
  const assumedBy = new ServicePrincipal('lambda.amazonaws.com');
  const statement = (action: string, resource: string): PolicyStatement =>
    new PolicyStatement({ actions: [action], resources: [resource] });
  const inline = new PolicyDocument({ statements: [statement('s3:Get*', 'arn:aws:s3:::bucket/key')] });
  const role = new Role(stack, 'Inline', { assumedBy, inlinePolicies: { inline } });
  role.addToPolicy(statement('s3:GetObject', `arn:${Aws.PARTITION}:s3:::bucket/*`));
  new ManagedPolicy(stack, 'Managed', { roles: [role], statements: [statement('s3:GetObject', '*')] });
  new Role(stack, 'Harmless', { assumedBy }).addToPolicy(statement('s3:GetObject', 'arn:aws:s3:::bucket/key'));
  const found = statements(Template.fromStack(stack)).filter(hasWildcard);
  assert.deepEqual(found.map(({ type }) => type).sort(), [
    'AWS::IAM::ManagedPolicy',
    'AWS::IAM::Policy',
    'AWS::IAM::Role',
  ]);
});

function hasWildcard({ actions, resources }: Statement): boolean {
  return [...actions, ...resources].some((part) => part.includes('*'));
}

/** Rules that are broken, and where. */
function findings(scope: IConstruct): string[] {
  const { violations } = new AwsSolutionsChecks().validateScope(scope);
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath = '' }) => `${ruleName} ${constructPath}`),
  );
}

function acknowledged(scope: IConstruct): [string, { id: string; reason: string }][] {
  return scope.node.findAll().flatMap(({ node }) =>
    node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(data as Record<string, string>))
      .map(([id, reason]): [string, { id: string; reason: string }] => [node.path, { id, reason }]),
  );
}
