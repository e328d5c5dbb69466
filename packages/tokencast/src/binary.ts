/** Where the binary for this machine is. */

import { existsSync } from 'node:fs';

/** The machines that there is a platform package for, each `@tokencast/cli-NAME`. */
export const MACHINES: readonly string[] = [
  'linux-x64',
  'linux-x64-musl',
  'linux-arm64',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
];

/** Says why no binary is there, and what to do. */
export class NoBinaryError extends Error {}

const FROM_SOURCE =
  'build it from source (Rust and a C compiler: `cargo build --release --package tokencast-cli` in the repository), ' +
  'and set TOKENCAST_BIN to the path of target/release/tokencast';

export function packageOf(machine: string): string {
  return `@tokencast/cli-${machine}`;
}

/** @throws NoBinaryError if there is none */
export function findBinary(
  machine: string,
  env: Readonly<Record<string, string | undefined>>,
  resolve: (specifier: string) => string,
): string {
  const own = env.TOKENCAST_BIN;
  if (own) {
    if (existsSync(own)) return own;
    throw new NoBinaryError(`TOKENCAST_BIN is \`${own}\`, where no file is`);
  }
  if (!MACHINES.includes(machine)) {
    throw new NoBinaryError(
      `there is no binary for ${machine}, only for ${MACHINES.join(', ')}: ${FROM_SOURCE}`,
    );
  }
  try {
    return resolve(`${packageOf(machine)}/bin/tokencast`);
  } catch {
    throw new NoBinaryError(missing(machine));
  }
}

function missing(machine: string): string {
  return (
    `the package ${packageOf(machine)}, which has the binary for this machine (${machine}), is not installed. ` +
    'Install again without `--omit=optional`, and on this machine, as node_modules of another one have its binary. ' +
    `If the package is not published, ${FROM_SOURCE}`
  );
}
