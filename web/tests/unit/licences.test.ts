/** What the pages are made of may be passed on: each package's licence is permissive, or is excepted here for a reason. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MPL-2.0',
]);

/** By name; each with the licence that it is excepted for. */
const EXCEPTIONS: Record<string, { licence: string; reason: string }> = {
  'robust-predicates': {
    licence: 'Unlicense',
    reason:
      'Mermaid needs the whole of d3; no page has this part of it, which d3-delaunay alone uses. Given to the public domain.',
  },
  khroma: { licence: 'not named', reason: 'Its file `license` is the MIT licence.' },
  argparse: {
    licence: 'PSF-2.0',
    reason: 'The command line of markdown-it, which GraphiQL needs. No page has it.',
  },
  'caniuse-lite': { licence: 'CC-BY-4.0', reason: 'Data for a build; no page has it.' },
  minimatch: { licence: 'BlueOak-1.0.0', reason: 'For ESLint only. As free as MIT.' },
  '@isaacs/nonrecursive-glob-match': {
    licence: 'BlueOak-1.0.0',
    reason: 'For ESLint only. As free as MIT.',
  },
};

interface Lock {
  /** By folder. Links name folders that are listed themselves. */
  packages: Record<string, { license?: string; link?: boolean }>;
}

const lock = JSON.parse(
  readFileSync(new URL('../../../package-lock.json', import.meta.url), 'utf8'),
) as Lock;
const packages = Object.entries(lock.packages)
  .filter(([path, { link }]) => path !== '' && link !== true)
  .map(([path, { license = 'not named' }]) => ({
    name: path.replace(/^.*node_modules\//, ''),
    licence: license,
  }));

/** `(MPL-2.0 OR Apache-2.0)` leaves the choice. */
function isAllowed(licence: string): boolean {
  return licence
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((one) => ALLOWED.has(one));
}

test('every licence is permissive, or excepted', () => {
  const others = packages
    .filter(({ licence }) => !isAllowed(licence))
    .filter(({ name, licence }) => EXCEPTIONS[name]?.licence !== licence);
  expect(packages.length).toBeGreaterThan(100);
  expect(others).toEqual([]);
});

test('every exception is still needed', () => {
  const needed = new Set(packages.map(({ name, licence }) => `${name} ${licence}`));
  const given = Object.entries(EXCEPTIONS).map(([name, { licence }]) => `${name} ${licence}`);
  expect(given.filter((exception) => !needed.has(exception))).toEqual([]);
});

test.each([
  ['MIT', true],
  ['(MPL-2.0 OR Apache-2.0)', true],
  ['GPL-3.0-only OR MIT', true],
  ['GPL-3.0-only', false],
  ['MIT AND GPL-3.0-only', false],
  ['SEE LICENSE IN LICENSE', false],
  ['not named', false],
])('%s: %s', (licence, allowed) => {
  expect(isAllowed(licence)).toBe(allowed);
});
