import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Stack } from 'aws-cdk-lib';

import { ModelSpec, modelStatements } from '../lib/model-access';

interface Allowed {
  readonly on: string[];
  /** The profile that a model must be asked through. */
  readonly through?: string;
}

const PROFILE = 'arn:P:bedrock:R:A:inference-profile/';
const APPLICATION = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc';
const NOVA = 'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0';

describe('the worker may ask', () => {
  const check = (name: string, spec: ModelSpec, expected: Allowed[]): void => {
    test(name, () => {
      assert.deepEqual(allowed(spec), expected);
    });
  };

  check('a model in the Region of the stack', { id: 'amazon.nova-lite-v1:0' }, [
    { on: ['arn:P:bedrock:R::foundation-model/amazon.nova-lite-v1:0'] },
  ]);
  check('a model with dots in its version', { id: 'deepseek.v3.2' }, [
    { on: ['arn:P:bedrock:R::foundation-model/deepseek.v3.2'] },
  ]);
  check(
    'a profile of a geography, and its model in each Region of it, through the profile alone',
    {
      id: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    },
    [
      { on: [`${PROFILE}us.anthropic.claude-sonnet-4-5-20250929-v1:0`] },
      {
        on: ['R', 'us-east-1', 'us-east-2', 'us-west-1', 'us-west-2'].map(
          (region) => `arn:P:bedrock:${region}::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0`,
        ),
        through: `${PROFILE}us.anthropic.claude-sonnet-4-5-20250929-v1:0`,
      },
    ],
  );
  check('the global profile, and its model without a Region, too', { id: 'global.amazon.nova-2-lite-v1:0' }, [
    { on: [`${PROFILE}global.amazon.nova-2-lite-v1:0`] },
    {
      on: [
        'arn:P:bedrock:R::foundation-model/amazon.nova-2-lite-v1:0',
        'arn:P:bedrock:::foundation-model/amazon.nova-2-lite-v1:0',
      ],
      through: `${PROFILE}global.amazon.nova-2-lite-v1:0`,
    },
  ]);
  check('a profile in the Regions that were given', { id: 'il.amazon.nova-lite-v1:0', regions: ['il-central-1'] }, [
    { on: [`${PROFILE}il.amazon.nova-lite-v1:0`] },
    {
      on: ['R', 'il-central-1'].map((region) => `arn:P:bedrock:${region}::foundation-model/amazon.nova-lite-v1:0`),
      through: `${PROFILE}il.amazon.nova-lite-v1:0`,
    },
  ]);
  check(
    'a profile by its ARN',
    {
      id: 'arn:aws:bedrock:eu-west-1:123456789012:inference-profile/jp.amazon.nova-lite-v1:0',
    },
    [
      { on: ['arn:aws:bedrock:eu-west-1:123456789012:inference-profile/jp.amazon.nova-lite-v1:0'] },
      {
        on: ['R', 'ap-northeast-1', 'ap-northeast-3'].map(
          (region) => `arn:P:bedrock:${region}::foundation-model/amazon.nova-lite-v1:0`,
        ),
        through: 'arn:aws:bedrock:eu-west-1:123456789012:inference-profile/jp.amazon.nova-lite-v1:0',
      },
    ],
  );
  check('an application profile and the models that were given', { id: APPLICATION, modelArns: [NOVA] }, [
    { on: [APPLICATION] },
    { on: [NOVA], through: APPLICATION },
  ]);
  for (const kind of ['foundation-model', 'provisioned-model', 'custom-model-deployment', 'imported-model']) {
    const id = `arn:aws:bedrock:us-east-1:123456789012:${kind}/abc`;
    check(`a ${kind} by its ARN`, { id }, [{ on: [id] }]);
  }
});

describe('is refused:', () => {
  const check = (name: string, spec: ModelSpec, expected: RegExp): void => {
    test(name, () => {
      assert.throws(() => modelStatements(spec), expected);
    });
  };

  check('nothing', { id: '' }, /is not the id or ARN/);
  check('a wildcard', { id: 'anthropic.*' }, /is not the id or ARN/);
  check('a wildcard in an ARN', { id: 'arn:aws:bedrock:*::foundation-model/a.b' }, /is not the id or ARN/);
  check('a wildcard behind a profile', { id: APPLICATION, modelArns: [`${NOVA}*`] }, /has a wildcard/);
  check('a word', { id: 'claude' }, /is no model's id, such as/);
  check('an unknown geography', { id: 'zz.amazon.nova-lite-v1:0' }, /the Regions that `zz\.amazon.* must be given/);
  check('an application profile alone', { id: APPLICATION }, /get-inference-profile/);
  check(
    'another service',
    { id: 'arn:aws:sagemaker:us-east-1:123456789012:endpoint/a' },
    /is not the ARN of a Bedrock/,
  );
  check(
    'another thing',
    { id: 'arn:aws:bedrock:us-east-1:123456789012:prompt/abc' },
    /is a `prompt`, expected a model/,
  );
});

/** The statements, with `P`, `R` and `A` for the stack's partition, Region and account. */
function allowed(spec: ModelSpec): Allowed[] {
  const stack = new Stack();
  const plain = (value: unknown): string => {
    const text = JSON.stringify(stack.resolve(value));
    const parts = text.startsWith('{')
      ? (JSON.parse(text) as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1]
      : [value];
    const names: Record<string, string> = { 'AWS::Partition': 'P', 'AWS::Region': 'R', 'AWS::AccountId': 'A' };
    return parts.map((part) => (typeof part === 'string' ? part : names[(part as { Ref: string }).Ref])).join('');
  };
  return modelStatements(spec).map((statement) => {
    assert.deepEqual(statement.actions, ['bedrock:InvokeModelWithResponseStream']);
    const conditions = statement.conditions as { StringEquals?: Record<string, unknown> };
    const through = conditions.StringEquals?.['bedrock:InferenceProfileArn'];
    return { on: statement.resources.map(plain), ...(through !== undefined && { through: plain(through) }) };
  });
}
