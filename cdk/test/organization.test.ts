/** What an organization asks of functions and roles: each of them, wherever it is made. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Template } from 'aws-cdk-lib/assertions';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Code, LayerVersion } from 'aws-cdk-lib/aws-lambda';

import { TokenStream } from '../lib/token-stream';
import { VARIANTS } from '../scripts/variants';
import { Deployment, ownStack, resources, scratch, streamProps } from './deployment';

const FUNCTION = 'AWS::Lambda::Function';
const deployment = new Deployment(VARIANTS['organization']);
const template = deployment.template('Streaming');
const plain = new Deployment({ deliveries: 'url,websocket' }).template('Streaming');

describe('an organization', () => {
  const roles = deployment.templates.flatMap((found) => resources(found, 'AWS::IAM::Role'));
  const functions = resources(template, FUNCTION);

  test('is asked for nothing by default', () => {
    for (const { Properties: role } of resources(plain, 'AWS::IAM::Role')) {
      assert.equal(role['PermissionsBoundary'], undefined);
      assert.equal(role['Path'], undefined);
    }
    for (const { Properties: definition } of resources(plain, FUNCTION)) {
      assert.equal(definition['VpcConfig'], undefined);
      assert.equal(definition['Layers'], undefined);
    }
    assert.ok(!JSON.stringify(plain.toJSON()).includes('ec2:'));
  });

  test('has its boundary and path on every role', () => {
    assert.equal(roles.length, 8);
    for (const { Properties: role } of roles) {
      assert.equal(role['PermissionsBoundary'], 'arn:aws:iam::123456789012:policy/developers');
      assert.equal(role['Path'], '/teams/chat/');
    }
  });

  test('has every function in its VPC, and lets Lambda put it there', () => {
    assert.equal(functions.length, 5);
    for (const { Properties: definition } of functions) {
      assert.deepEqual(definition['VpcConfig'], {
        SubnetIds: ['subnet-0123456789abcdef0', 'subnet-0fedcba9876543210'],
        SecurityGroupIds: ['sg-0123456789abcdef0'],
      });
    }
    const policies = resources(template, 'AWS::IAM::Policy').map(({ Properties: policy }) => JSON.stringify(policy));
    assert.equal(policies.filter((policy) => policy.includes('ec2:CreateNetworkInterface')).length, functions.length);
  });

  test('has its certificate authorities trusted by every function', () => {
    for (const { Properties: definition } of functions) {
      assert.deepEqual(definition['Layers'], ['arn:aws:lambda:us-east-1:123456789012:layer:ca-bundle:3']);
      const { Variables } = definition['Environment'] as { Variables: Record<string, unknown> };
      assert.equal(Variables['AWS_CA_BUNDLE'], '/opt/ca-bundle.pem');
    }
  });

  test('has loops ended by Lambda, as everybody', () => {
    for (const { Properties: definition } of [...functions, ...resources(plain, FUNCTION)]) {
      assert.equal(definition['RecursiveLoop'], 'Terminate');
    }
  });
});

describe('a stream in a stack of yours', () => {
  test('takes the parts of a VPC that was made there', () => {
    const stack = ownStack();
    const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2 });
    new TokenStream(stack, 'Stream', {
      ...streamProps(),
      permissionsBoundary: ManagedPolicy.fromAwsManagedPolicyName('PowerUserAccess'),
      vpc: {
        subnetIds: vpc.selectSubnets().subnetIds,
        securityGroupIds: [new SecurityGroup(stack, 'Group', { vpc }).securityGroupId],
      },
      caBundle: {
        layer: new LayerVersion(stack, 'Layer', { code: Code.fromAsset(scratch()) }),
        path: '/opt/own.pem',
      },
    });
    const found = Template.fromStack(stack);
    for (const { Properties: definition } of resources(found, FUNCTION)) {
      if (!String(definition['Description']).startsWith('Tokencast')) {
        continue;
      }
      const { SubnetIds } = definition['VpcConfig'] as { SubnetIds: unknown[] };
      assert.equal(SubnetIds.length, 2);
    }
    assert.ok(JSON.stringify(found.toJSON()).includes('"AWS_CA_BUNDLE":"/opt/own.pem"'));
  });

  const check = (
    name: string,
    props: Partial<ConstructorParameters<typeof TokenStream>[2]>,
    expected: RegExp,
  ): void => {
    test(`refuses ${name}`, () => {
      assert.throws(() => new TokenStream(ownStack(), 'Stream', { ...streamProps(), ...props }), expected);
    });
  };
  check('a path without a slash at its end', { rolePath: '/teams' }, /`rolePath` is `\/teams`, expected a path/);
  check('a VPC without subnets', { vpc: { subnetIds: [], securityGroupIds: [] } }, /needs at least one subnet/);
});

describe('the context', () => {
  const check = (name: string, context: Record<string, string>, expected: RegExp): void => {
    test(`refuses ${name}`, () => {
      assert.throws(() => new Deployment(context), expected);
    });
  };
  check('subnets without security groups', { subnetIds: 'subnet-1' }, /`subnetIds` and `securityGroupIds` need each/);
  check(
    'a bundle without its layer',
    { caBundlePath: '/opt/x' },
    /`caBundlePath` is set, but `caBundleLayerArn` is not/,
  );
  check('a path that is none', { rolePath: 'teams/' }, /`rolePath` is `teams\/`, expected a path/);
});
