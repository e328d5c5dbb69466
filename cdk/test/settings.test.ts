/** The functions' environment, against what their own code reads. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { REPOSITORY_DIR } from '../lib/paths';
import { FunctionName, NUMBER_SETTINGS, PUBLISH_MODES, settingsEnvironment } from '../lib/settings';
import { Deployment, resources } from './deployment';

interface Variable {
  readonly name: string;
  /** `required`, `url`, `optional`, `number` and so on: how it is read. */
  readonly how: string;
  readonly range?: readonly [number, number];
  readonly default?: number;
}

for (const name of ['request', 'worker'] as const) {
  describe(`the ${name} function`, () => {
    const read = variablesRead(name);
    const full = environment(name, {
      systemPrompt: 'Answer briefly.',
      temperature: '0.3',
    });
    const plain = environment(name);

    test('is given every variable that it reads, and none that it does not', () => {
      const wanted = [...read.map((variable) => variable.name), 'LOG_LEVEL'];
      assert.deepEqual(Object.keys(full).sort(), wanted.sort());
      const withoutDefault = ['SYSTEM_PROMPT', 'TEMPERATURE'];
      assert.deepEqual(
        Object.keys(plain).sort(),
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

test("the words of PUBLISH_MODE are the worker's own", () => {
  const source = configSource('worker');
  const words = /"PUBLISH_MODE",\s*&\[(.*?)\],\s*\)/s.exec(source)?.[1] ?? '';
  assert.deepEqual(
    [...words.matchAll(/"(\w+)"/g)].map(([, word]) => word),
    [...PUBLISH_MODES],
  );
});

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

function configSource(name: FunctionName): string {
  return readFileSync(join(REPOSITORY_DIR, 'functions', name, 'src', 'config.rs'), 'utf8');
}

/** The calls of `reader` in a function's `config.rs`. */
function variablesRead(name: FunctionName): Variable[] {
  const call = /reader\s*\.(\w+)\(\s*"([A-Z_]+)"(?:,\s*([\d_.]+)\.\.=([\d_.]+))?(?:,\s*([\d_]+))?/g;
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
  return found;
}

function environment(name: FunctionName, context: Record<string, string> = {}): Record<string, unknown> {
  const found = resources(new Deployment(context).template('Streaming'), 'AWS::Lambda::Function')
    .map(
      ({ Properties: definition }) => (definition['Environment'] as { Variables: Record<string, unknown> }).Variables,
    )
    .find((variables) => 'MODEL_ID' in variables === (name === 'worker'));
  assert.ok(found);
  return found;
}
