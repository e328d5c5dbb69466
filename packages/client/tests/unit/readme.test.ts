/** The manuals name every public export. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const PACKAGES = new URL('../../../', import.meta.url);

function read(file: string): string {
  return readFileSync(new URL(file, PACKAGES), 'utf8');
}

/** The names that a module exports by name or declares, and those of modules that it passes on whole. */
function exportsOf(file: string): string[] {
  const source = read(file);
  const lists = [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gm)];
  const named = lists.flatMap(([, list = '']) => list.split(',').map((name) => name.trim()));
  const declaration = /^export (?:async )?(?:interface|type|class|function|const) (\w+)/gm;
  const declared = [...source.matchAll(declaration)].map(([, name = '']) => name);
  const whole = [...source.matchAll(/^export type \* from '\.\/(\w+)\.js'/gm)];
  const passedOn = whole.flatMap(([, name = '']) =>
    exportsOf(file.replace(/\w+\.ts$/, `${name}.ts`)),
  );
  return [...named, ...declared, ...passedOn].filter((name) => name !== '');
}

test.each([
  ['client/src/index.ts', 'client/README.md', 55],
  ['client/src/amplify/index.ts', 'client/README.md', 9],
  ['client/src/ai-sdk/index.ts', 'client/README.md', 5],
  ['react/src/index.ts', 'react/README.md', 6],
])('%s is described in %s', (module, manual, atLeast) => {
  const names = exportsOf(module);
  const text = read(manual);
  expect(names.length).toBeGreaterThanOrEqual(atLeast);
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
});
