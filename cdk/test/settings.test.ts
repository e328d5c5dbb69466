/** The functions' environment, against what their own code reads. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Template } from 'aws-cdk-lib/assertions';

import { FunctionName } from '../lib/function-names';
import { REPOSITORY_DIR } from '../lib/paths';
import {
  CLIENT_SYSTEM_PROMPT,
  NOTHING_LEFT,
  NUMBER_SETTINGS,
  PROMPT_CACHING,
  PUBLISH_MODES,
  settingsEnvironment,
} from '../lib/settings';
import { Deployment, only, scratch } from './deployment';

interface Variable {
  readonly name: string;
  /** `required`, `url`, `optional`, `number` and so on: how it is read. */
  readonly how: string;
  readonly range?: readonly [number, number];
  readonly default?: number;
}

/** What is deployed, by the start of its role's id. */
const DEPLOYED: readonly { name: FunctionName; role: string }[] = [
  { name: 'request', role: 'StreamRequest' },
  { name: 'worker', role: 'StreamWorker' },
  { name: 'function-url', role: 'UrlHandler' },
  { name: 'websocket', role: 'WebSocketRoutes' },
  { name: 'websocket-authorizer', role: 'WebSocketAuthorizer' },
];

const deliveries = 'url,websocket';
const plain = new Deployment({ deliveries }).template('Streaming');
const full = new Deployment({
  deliveries,
  systemPrompt: 'Answer briefly.',
  temperature: '0.3',
  titleModelId: 'amazon.nova-micro-v1:0',
}).template('Streaming');
// A file of assistants is in place of what they have by themselves.
const assisted = new Deployment({ deliveries, assistants: assistantsFile() }).template('Streaming');

for (const { name, role } of DEPLOYED) {
  describe(`the function ${name} as ${role}`, () => {
    const read = variablesRead(name);

    test('is given every variable that it reads, and none that it does not', () => {
      const wanted = [...read.map((variable) => variable.name), 'LOG_LEVEL'].sort();
      assert.deepEqual([...new Set([full, assisted].flatMap((it) => environment(it, role)))].sort(), wanted);
      const withoutDefault = ['ASSISTANTS_FILE', 'SYSTEM_PROMPT', 'TEMPERATURE', 'TITLE_MODEL_ID'];
      assert.deepEqual(
        environment(plain, role),
        wanted.filter((variable) => !withoutDefault.includes(variable)),
      );
    });

    test('and this package agree on ranges and defaults', () => {
      const ours = Object.values(NUMBER_SETTINGS).filter(({ readBy }) => readBy.includes(name));
      const theirs = read.filter(({ how }) => how === 'number' || how === 'millis');
      assert.deepEqual(ours.map(({ variable }) => variable).sort(), theirs.map((variable) => variable.name).sort());
      for (const { variable, minimum, maximum, default: byDefault } of ours) {
        const found = theirs.find((other) => other.name === variable);
        assert.deepEqual([found?.range, found?.default], [[minimum, maximum], byDefault], variable);
      }
    });
  });
}

test('the worker is told of a WebSocket API only where there is one', () => {
  const variable = 'WEBSOCKET_CALLBACK_URL';
  assert.ok(environment(plain, 'StreamWorker').includes(variable));
  assert.ok(!environment(new Deployment().template('Streaming'), 'StreamWorker').includes(variable));
});

for (const [variable, ours, name] of [
  ['PUBLISH_MODE', PUBLISH_MODES, 'worker'],
  ['PROMPT_CACHING', PROMPT_CACHING, 'worker'],
  ['NOTHING_LEFT', NOTHING_LEFT, 'function-url'],
  ['CLIENT_SYSTEM_PROMPT', CLIENT_SYSTEM_PROMPT, 'request'],
] as const) {
  test(`the words of ${variable} are the function's own`, () => {
    const list = new RegExp(`"${variable}",\\s*&\\[(.*?)\\],?\\s*\\)`, 's');
    const words = list.exec(configSource(name))?.[1] ?? '';
    assert.deepEqual(
      [...words.matchAll(/"([\w-]+)"/g)].map(([, word]) => word),
      [...ours],
    );
  });
}

describe('a setting', () => {
  const check = (name: string, settings: Parameters<typeof settingsEnvironment>[0], expected: RegExp): void => {
    test(name, () => {
      assert.throws(() => settingsEnvironment(settings, 'worker'), expected);
    });
  };
  check('below its range', { maxAttempts: 0 }, /`maxAttempts` is `0`, expected 1 to 100/);
  check('above its range', { leaseSeconds: 901 }, /`leaseSeconds` is `901`, expected 1 to 900/);
  check('that is no whole number', { maxTokens: 1.5 }, /`maxTokens` is `1.5`, expected 1 to 200000/);
  check('that is no number', { maxTokens: Number.NaN }, /`maxTokens` is `NaN`/);
  check('too hot', { temperature: 1.1 }, /`temperature` is `1.1`, expected 0 to 1/);
  check(
    'too long for the environment',
    { systemPrompt: 'ä'.repeat(1501) },
    /is 3002 bytes long, expected at most 3000/,
  );
});

function assistantsFile(): string {
  const file = join(scratch(), 'assistants.json');
  const assistants = { general: { model: 'amazon.nova-lite-v1:0' } };
  writeFileSync(file, JSON.stringify({ version: 1, default: 'general', assistants }));
  return file;
}

/** A function's `config.rs`, and what it has others read for it. */
function configSource(name: FunctionName): string {
  const own = source('functions', name, 'src', 'config.rs');
  const requests = source('crates', 'tokencast-aws', 'src', 'requests.rs');
  const config = own.includes('RequestSettings::read(') ? `${own}\n${body(requests, 'read')}` : own;
  const shared = source('crates', 'tokencast-aws', 'src', 'settings.rs');
  const called = [...config.matchAll(/settings::(\w+)\(/g)].map(([, called = '']) => body(shared, called));
  // What those share again.
  const further = called.flatMap((text) =>
    [...text.matchAll(/\b(\w+)\(reader\)/g)].map(([, name = '']) => body(shared, name)),
  );
  const trust = config.includes('JwtIssuer::read(')
    ? [body(source('crates', 'tokencast-aws', 'src', 'jwt.rs'), 'read')]
    : [];
  return [config, ...called, ...further, ...trust].join('\n');
}

function source(...path: string[]): string {
  return readFileSync(join(REPOSITORY_DIR, ...path), 'utf8');
}

/** The text of a Rust function. */
function body(text: string, name: string): string {
  const found = new RegExp(`^( *)(?:pub )?fn ${name}\\(.*?^\\1}`, 'ms').exec(text);
  assert.ok(found, name);
  return found[0];
}

/** The calls of `reader` in them. */
function variablesRead(name: FunctionName): Variable[] {
  const call = /reader\s*\.(\w+)(?:::<\w+>)?\(\s*"([A-Z_]+)"(?:,\s*([\d_.]+)\.\.=([\d_.]+))?(?:,\s*([\d_]+))?/g;
  const number = (text: string): number => Number(text.replaceAll('_', ''));
  const found = [...configSource(name).matchAll(call)].map(
    ([, how = '', variable = '', minimum, maximum, byDefault]): Variable => ({
      name: variable,
      how,
      ...(minimum && maximum && { range: [number(minimum), number(maximum)] }),
      ...(byDefault && { default: number(byDefault) }),
    }),
  );
  assert.ok(found.length > 0, name);
  return [...new Map(found.map((variable) => [variable.name, variable])).values()];
}

function environment(template: Template, role: string): string[] {
  const { Properties: definition } = only(template, 'AWS::Lambda::Function', ({ Properties: it }) =>
    JSON.stringify(it['Role']).includes(`"${role}Role`),
  );
  return Object.keys((definition['Environment'] as { Variables: Record<string, unknown> }).Variables).sort();
}
