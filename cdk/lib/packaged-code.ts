/** The functions' packaged binaries, checked before they are deployed. */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { Architecture, Code } from 'aws-cdk-lib/aws-lambda';

import { FunctionName } from './settings';

/** The code of a `TokenStream`'s functions. */
export interface FunctionCode {
  readonly request: Code;
  readonly worker: Code;
}

/**
 * What `cargo xtask package` left in `folder`: `request/bootstrap.zip` and `worker/bootstrap.zip`, or folders with a
 * `bootstrap` each. A binary that is missing or is for another architecture is an error here and not in the cloud.
 */
export function packagedCode(folder: string, architecture: Architecture): FunctionCode {
  return {
    request: packagedFunction(folder, 'request', architecture),
    worker: packagedFunction(folder, 'worker', architecture),
  };
}

/** The same for one function: `function-url` is an `UrlStream`'s; `websocket` and `websocket-authorizer` are a `WebSocketStream`'s. */
export function packagedFunction(folder: string, name: FunctionName, architecture: Architecture): Code {
  const zip = join(folder, name, 'bootstrap.zip');
  const binary = join(folder, name, 'bootstrap');
  if (existsSync(zip) && statSync(zip).isFile()) {
    check(zip, firstBytesInZip(zip), architecture);
    return Code.fromAsset(zip);
  }
  if (existsSync(binary) && statSync(binary).isFile()) {
    check(binary, firstBytes(binary), architecture);
    return Code.fromAsset(join(folder, name), { exclude: ['*', '!bootstrap'] });
  }
  throw new Error(
    `the ${name} function is not packaged: there is no ${zip}. Run \`cargo xtask package\`, ` +
      'or name the folder with `-c functionsDir=…`.',
  );
}

/** Refuses a binary of another architecture. What isn't an ELF file, a script for one, is left to Lambda. */
function check(file: string, start: Buffer, architecture: Architecture): void {
  const machines: Readonly<Record<number, string>> = { 0x3e: 'x86_64', 0xb7: 'arm64' };
  if (start.length < 20 || start.readUInt32BE(0) !== 0x7f454c46) {
    return;
  }
  const machine = machines[start.readUInt16LE(18)] ?? 'another architecture';
  if (machine !== architecture.name) {
    throw new Error(
      `${file} is built for ${machine}, but the functions are deployed on ${architecture.name}. ` +
        `Deploy with \`-c architecture=${machine}\`, or package them for ${architecture.name}.`,
    );
  }
}

function firstBytes(file: string): Buffer {
  const start = Buffer.alloc(64);
  const descriptor = openSync(file, 'r');
  try {
    return start.subarray(0, readSync(descriptor, start));
  } finally {
    closeSync(descriptor);
  }
}

/** The first bytes of the archive's `bootstrap`, found through the archive's directory. */
function firstBytesInZip(file: string): Buffer {
  const zip = readFileSync(file);
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) {
    throw new Error(`${file} is not a zip archive`);
  }
  let entry = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const nameLength = zip.readUInt16LE(entry + 28);
    if (zip.toString('utf8', entry + 46, entry + 46 + nameLength) === 'bootstrap') {
      return content(zip, entry);
    }
    entry += 46 + nameLength + zip.readUInt16LE(entry + 30) + zip.readUInt16LE(entry + 32);
  }
  throw new Error(`${file} holds no \`bootstrap\` at its top`);
}

function content(zip: Buffer, entry: number): Buffer {
  const deflated = zip.readUInt16LE(entry + 10) === 8;
  const local = zip.readUInt32LE(entry + 42);
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const bytes = zip.subarray(start, start + zip.readUInt32LE(entry + 20));
  return deflated ? inflateRawSync(bytes) : bytes;
}
