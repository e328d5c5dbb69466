import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, test } from 'vitest';

import { findBinary, MACHINES, NoBinaryError, packageOf } from '../src/binary.js';
import { machine } from '../src/machine.js';

const glibc = { header: { glibcVersionRuntime: '2.36' } };
const host = (platform: string, arch: string, report?: object) => ({
  platform,
  arch,
  ...(report && { report: { getReport: () => report } }),
});
const noFiles = (): string[] => {
  throw new Error('it is not asked for');
};

describe('a machine', () => {
  test.each([
    ['linux-x64', host('linux', 'x64', glibc)],
    ['linux-x64-musl', host('linux', 'x64', { header: {} })],
    ['linux-arm64', host('linux', 'arm64', glibc)],
    ['darwin-arm64', host('darwin', 'arm64', { header: {} })],
    ['win32-x64', host('win32', 'x64')],
  ])('is %s', (name, process) => {
    expect(machine(process, noFiles)).toBe(name);
  });

  test('without a report is known by its dynamic loader', () => {
    const linux = host('linux', 'x64');
    expect(machine(linux, () => ['ld-musl-x86_64.so.1'])).toBe('linux-x64-musl');
    expect(machine(linux, () => ['ld-linux.so.2'])).toBe('linux-x64');
  });

  test('where nobody writes a report has another C library than its network', () => {
    const report = { excludeNetwork: false, getReport: () => glibc };
    machine({ platform: 'linux', arch: 'x64', report }, noFiles);
    expect(report.excludeNetwork).toBe(true);
  });

  test('that runs this test is one of those with a package', () => {
    expect(MACHINES).toContain(machine(process, () => []));
  });
});

describe('the binary', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokencast-binary-'));
  const own = join(folder, 'tokencast');
  writeFileSync(own, '');
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const installed = (specifier: string): string => `/modules/${specifier}`;
  const notInstalled = (): string => {
    throw new Error('MODULE_NOT_FOUND');
  };
  const refusal = (find: () => string): string => {
    try {
      return find();
    } catch (error) {
      expect(error).toBeInstanceOf(NoBinaryError);
      return (error as Error).message;
    }
  };

  test('is that of the platform package', () => {
    const found = findBinary('linux-x64', {}, installed);
    expect(found).toBe('/modules/@tokencast/cli-linux-x64/bin/tokencast');
  });

  test('is the one that TOKENCAST_BIN names, on any machine', () => {
    expect(findBinary('aix-ppc64', { TOKENCAST_BIN: own }, notInstalled)).toBe(own);
    const wrong = refusal(() => findBinary('linux-x64', { TOKENCAST_BIN: '/nowhere' }, installed));
    expect(wrong).toBe('TOKENCAST_BIN is `/nowhere`, where no file is');
  });

  test('of a machine without a package has to be built', () => {
    const said = refusal(() => findBinary('win32-x64', {}, installed));
    expect(said).toContain('there is no binary for win32-x64, only for linux-x64, ');
    expect(said).toContain('cargo build --release --package tokencast-cli');
    expect(said).toContain('TOKENCAST_BIN');
  });

  test('that was not installed is named, with what to do', () => {
    for (const name of MACHINES) {
      const said = refusal(() => findBinary(name, {}, notInstalled));
      expect(said).toContain(`${packageOf(name)}, which has the binary for this machine (${name})`);
      expect(said).toContain('--omit=optional');
    }
  });
});
