/** Stand-ins for the packaged functions, so that templates can be made and checked without them. Never deployed. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';

import { FUNCTION_NAMES } from '../lib/function-names';

export type Machine = 'x86_64' | 'arm64';

/** Writes a `bootstrap.zip` for each function below `folder`, and says where. */
export function placeholderFunctions(folder: string, machine: Machine = 'x86_64'): string {
  for (const name of FUNCTION_NAMES) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, 'bootstrap.zip'), zip('bootstrap', elf(machine)));
  }
  return folder;
}

/** The head of a 64-bit little-endian ELF executable, and nothing behind it. */
export function elf(machine: Machine): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine === 'arm64' ? 0xb7 : 0x3e, 18);
  return header;
}

/** An archive of one file, which may be executed. */
export function zip(name: string, content: Buffer): Buffer {
  const packed = deflateRawSync(content);
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(8, 4);
  // Midnight of the first day that the format knows, so that the same content makes the same archive.
  common.writeUInt16LE(0x21, 8);
  common.writeUInt32LE(crc32(content), 10);
  common.writeUInt32LE(packed.length, 14);
  common.writeUInt32LE(content.length, 18);
  common.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name)]);
  const attributes = Buffer.alloc(14);
  attributes.writeUInt32LE(0o100755 * 0x10000, 6);
  const madeByUnix = Buffer.from([20, 3]);
  const directory = Buffer.concat([
    Buffer.from('PK\x01\x02', 'latin1'),
    madeByUnix,
    common,
    attributes,
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(local.length + packed.length, 16);
  return Buffer.concat([local, packed, directory, end]);
}

if (require.main === module) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) {
    throw new Error('usage: npm run placeholder -- FOLDER');
  }
  placeholderFunctions(folder);
}
