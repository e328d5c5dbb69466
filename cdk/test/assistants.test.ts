/** The assistants' file: what is wrong with one, what is permitted by it, and how it reaches the functions. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { App, Stack, Stage } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';

import { modelIds } from '../lib/assistants';
import { readConfig } from '../lib/config';
import { ModelSpec } from '../lib/model-access';
import { REPOSITORY_DIR } from '../lib/paths';
import { TokenStream } from '../lib/token-stream';
import { TokenStreamProps } from '../lib/token-stream-props';
import { toolkitContext } from '../scripts/templates';
import { Deployment, ownStack, resources, scratch, streamProps } from './deployment';
import { permissions } from './policies';

const PROFILE = 'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123';
const HAIKU = 'arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0';

const FILE = {
  version: 1,
  default: 'general',
  assistants: {
    careful: {
      model: 'amazon.nova-pro-v1:0',
      maxTokens: 4096,
      guardrail: { id: 'abcd1234', version: '1', streamProcessing: 'sync' },
    },
    general: { title: 'General', description: 'Answers anything.', model: 'eu.amazon.nova-lite-v1:0' },
    brief: { model: 'eu.amazon.nova-lite-v1:0', systemPrompt: 'Answer briefly.' },
  },
  prices: { 'eu.amazon.nova-lite-v1:0': { inputPerMillion: 0.06, outputPerMillion: 0.24 } },
};

function write(content: unknown): string {
  const file = join(scratch(), 'assistants.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

function withAssistant(assistant: Record<string, unknown>): Record<string, unknown> {
  return { ...FILE, assistants: { ...FILE.assistants, other: assistant } };
}

/** A construct with these assistants. */
function stream(content: unknown, props: Partial<TokenStreamProps> = {}): Stack {
  const stack = ownStack();
  new TokenStream(stack, 'Stream', { ...streamProps(), model: undefined, assistants: write(content), ...props });
  return stack;
}

/** What a role may do on Bedrock. */
function onBedrock(template: Template, role: RegExp): string[] {
  return permissions(template, role).filter((permission) => permission.startsWith('bedrock:'));
}

describe('a file is refused, by place, with', () => {
  const check = (name: string, content: unknown, ...expected: string[]): void => {
    test(name, () => {
      assert.throws(
        () => stream(content),
        ({ message }: Error) => {
          const [first = '', ...problems] = message.split('\n  ');
          assert.match(first, /assistants\.json is wrong:$/);
          assert.deepEqual(problems.sort(), expected.sort());
          return true;
        },
      );
    });
  };

  check('no object in it', [], 'the file: is a list, expected an object');
  check(
    'a version that nobody knows and a field that nobody reads',
    { ...FILE, version: 2, assistant: 'general' },
    'version: is 2, expected 1',
    'assistant: is unknown, expected `$schema`, `version`, `default`, `assistants`, `prices`',
  );
  check(
    'several problems in one assistant',
    withAssistant({ maxTokens: 0, temperature: 'hot', systemPrompts: '' }),
    'assistants.other.model: is missing, expected a value',
    'assistants.other.maxTokens: is 0, expected 1 to 200000',
    'assistants.other.temperature: is "hot", expected a number from 0 to 1',
    'assistants.other.systemPrompts: is unknown, expected `title`, `description`, `model`, `systemPrompt`, `maxTokens`, ' +
      '`temperature`, `reasoning`, `promptCaching`, `guardrail`, `clientSystemPrompt`',
  );
  check(
    'a default that is not there',
    { ...FILE, default: 'generall' },
    'default: is "generall", expected one of the assistants, `careful`, `general`, `brief`',
  );
  check(
    'a budget for reasoning that leaves nothing for the answer',
    withAssistant({ model: 'amazon.nova-pro-v1:0', maxTokens: 2048, reasoning: { budgetTokens: 2048 } }),
    'assistants.other.reasoning.budgetTokens: is 2048, expected less than maxTokens, which is 2048',
  );
  check(
    'a model that IAM could not be told of',
    withAssistant({ model: 'nova' }),
    "assistants.other.model: `nova` is no model's id, such as `amazon.nova-lite-v1:0`",
  );
  check(
    'a guardrail that IAM could not be told of',
    withAssistant({ model: 'amazon.nova-pro-v1:0', guardrail: { id: '*', version: '1' } }),
    'assistants.other.guardrail.id: is "*", expected what matches ' +
      '`^([a-z0-9]+|arn:aws[a-z-]*:bedrock:[a-z0-9-]+:[0-9]{12}:guardrail/[a-z0-9]+)$`',
  );
});

test('a member that is there twice is refused by its place, with all else that is wrong', () => {
  const a = '{"model": "m", "title": 5, "maxTokens": 1.5, "maxTokens": 1.5}';
  const b = '"b": {"model": "m", "description": "\\"b\\": {\\"b\\": 1"}, "\\u0062": {"model": "m"}';
  const file = write(`{"version": 1, "default": "a", "assistants": {"a": ${a}, ${b}}}`);
  const expected = [
    'assistants.a.maxTokens: is there twice, expected once',
    'assistants.b: is there twice, expected once',
    'assistants.a.title: is 5, expected a text of 1 to 100 characters',
    'assistants.a.maxTokens: is 1.5, expected a whole number from 1 to 200000',
  ];
  assert.throws(
    () => modelIds(file),
    ({ message }: Error) => {
      assert.deepEqual(message.split('\n  ').slice(1), expected);
      return true;
    },
  );
});

test('a file that is not there, or no JSON, is named', () => {
  assert.throws(() => modelIds('no-such.json'), /the assistants' file no-such\.json can't be read/);
  const file = write('{ "version": 1,');
  assert.throws(() => modelIds(file), /assistants\.json is no JSON: /);
});

describe('the reader of the functions agrees', () => {
  const fixtures = (name: string): { name: string; file: unknown; errors: string[] }[] =>
    JSON.parse(readFileSync(join(REPOSITORY_DIR, 'tests', 'fixtures', 'assistants', name), 'utf8')) as {
      name: string;
      file: unknown;
      errors: string[];
    }[];
  const place = (problem: string): string => problem.split(': ')[0] ?? '';

  for (const { name, file } of fixtures('good.json')) {
    test(`that a file is right: ${name}`, () => {
      assert.ok(modelIds(write(file)).length > 0);
    });
  }
  for (const { name, file, errors } of fixtures('bad.json')) {
    test(`where a file is wrong: ${name}`, () => {
      assert.throws(
        () => modelIds(write(file)),
        ({ message }: Error) => {
          const [, ...problems] = message.split('\n  ');
          const there = errors.map(place);
          assert.ok(problems.length > 0);
          for (const problem of problems) {
            assert.ok(there.includes(place(problem)), problem);
          }
          return true;
        },
      );
    });
  }
});

describe('from the file alone', () => {
  const template = new Deployment({ assistants: write(FILE), deliveries: 'url,websocket' }).template('Streaming');

  for (const role of [/^StreamWorkerRole/, /^UrlHandlerRole/]) {
    test(`${role.source} may ask its models and apply its guardrail, and no others`, () => {
      const found = onBedrock(template, role);
      const names = found.map(
        (permission) => / on .*?((?:inference-profile|foundation-model|guardrail)\/[^"]*)/.exec(permission)?.[1],
      );
      assert.deepEqual([...new Set(names)].sort(), [
        'foundation-model/amazon.nova-lite-v1:0',
        'foundation-model/amazon.nova-pro-v1:0',
        'guardrail/abcd1234',
        'inference-profile/eu.amazon.nova-lite-v1:0',
      ]);
      for (const permission of found) {
        const action = permission.includes('guardrail/') ? 'ApplyGuardrail' : 'InvokeModelWithResponseStream';
        assert.ok(permission.startsWith(`bedrock:${action} on `), permission);
      }
    });
  }

  test('nobody else may', () => {
    for (const role of [/^StreamRequestRole/, /^WebSocket(Routes|Authorizer)Role/]) {
      assert.deepEqual(onBedrock(template, role), []);
    }
  });

  test('every function that starts or answers sessions has it, as it is, where it looks for it', () => {
    const [layer] = Object.keys(template.findResources('AWS::Lambda::LayerVersion'));
    for (const { Properties: definition } of resources(template, 'AWS::Lambda::Function')) {
      const { Variables: variables } = definition['Environment'] as { Variables: Record<string, unknown> };
      const isAuthorizer = JSON.stringify(definition['Role']).includes('Authorizer');
      assert.equal(variables['ASSISTANTS_FILE'], isAuthorizer ? undefined : '/opt/tokencast/assistants.json');
      assert.deepEqual(definition['Layers'], isAuthorizer ? undefined : [{ Ref: layer }]);
      assert.equal(variables['MODEL_ID'], undefined);
    }
  });
});

test('the layer has the file and nothing else, below `tokencast`', () => {
  const stack = stream(FILE);
  const { outdir } = Stage.of(stack) ?? { outdir: '' };
  const [layer] = resources(Template.fromStack(stack), 'AWS::Lambda::LayerVersion');
  const { S3Key: key } = layer?.Properties['Content'] as { S3Key: string };
  const laid = join(outdir, `asset.${key.replace(/\.zip$/, '')}`, 'tokencast', 'assistants.json');
  assert.deepEqual(JSON.parse(readFileSync(laid, 'utf8')), FILE);
});

test('what the name of a profile does not say is told beside the file', () => {
  const content = withAssistant({ model: PROFILE });
  assert.throws(() => stream(content), /assistants\.other\.model: the models behind `arn:.*` must be given/);
  const template = Template.fromStack(stream(content, { assistantModels: [{ id: PROFILE, modelArns: [HAIKU] }] }));
  const found = onBedrock(template, /^StreamWorkerRole/);
  assert.ok(found.some((permission) => permission.includes(PROFILE)));
  assert.ok(found.some((permission) => permission.includes(HAIKU)));
  assert.throws(
    () => stream(FILE, { assistantModels: [{ id: PROFILE, modelArns: [HAIKU] }] }),
    /assistants: none has the model `arn:.*`, which `assistantModels` tells of/,
  );
});

describe('a construct refuses', () => {
  const check = (name: string, props: Partial<TokenStreamProps>, expected: RegExp): void => {
    test(name, () => {
      assert.throws(() => new TokenStream(ownStack(), 'Stream', { ...streamProps(), ...props }), expected);
    });
  };
  const model: ModelSpec = { id: 'amazon.nova-lite-v1:0' };
  check('a model beside the file', { model, assistants: write(FILE) }, /`model` and `assistants` exclude each other/);
  check('neither', { model: undefined }, /nobody would answer: give a `model`, or the file of `assistants`/);
  check('details of models without a file', { assistantModels: [model] }, /`assistantModels` is set, but `assistants`/);
  check(
    'settings that each assistant has by itself',
    { model: undefined, assistants: write(FILE), settings: { systemPrompt: 'Answer briefly.', maxTokens: 5 } },
    /`systemPrompt`, `maxTokens` and `assistants` exclude each other/,
  );
});

describe('the context', () => {
  const read = (context: Record<string, unknown>): Pick<TokenStreamProps, 'model' | 'assistants' | 'assistantModels'> =>
    readConfig(new App({ context: { ...toolkitContext(), ...context } }).node);

  test('names a model, the file, or nothing', () => {
    assert.equal(read({}).model?.id, 'amazon.nova-lite-v1:0');
    assert.equal(read({ modelId: 'amazon.nova-pro-v1:0' }).model?.id, 'amazon.nova-pro-v1:0');
    const assistants = write(FILE);
    assert.deepEqual([read({ assistants }).model, read({ assistants }).assistants], [undefined, assistants]);
    assert.throws(
      () => read({ assistants, modelId: 'amazon.nova-pro-v1:0' }),
      /`modelId` and `assistants` exclude each other: the file names the model of each assistant/,
    );
  });

  test('says what profiles do not', () => {
    const assistants = write(withAssistant({ model: PROFILE }));
    assert.deepEqual(read({ assistants, modelArns: HAIKU }).assistantModels, [
      { id: PROFILE, regions: undefined, modelArns: [HAIKU] },
    ]);
  });

  test('tells of a file that is wrong together with all else', () => {
    assert.throws(
      () => read({ assistants: write({}), batchSize: 0 }),
      /`batchSize` is `0`, expected 1 to 10[^]*version: is missing|version: is missing[^]*`batchSize` is `0`/,
    );
  });
});
