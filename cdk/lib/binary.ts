/** What a packaged function is built for, as its binary says. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

/**
 * The name of the architecture that a file, or the `bootstrap` of an archive (`.zip`), is built for. Nothing for what is no
 * ELF file, such as a script.
 */
export function architectureOf(file: string): string | undefined {
  const machines: Readonly<Record<number, string>> = { 0x3e: 'x86_64', 0xb7: 'arm64' };
  const bytes = start(file);
  if (bytes.length < 20 || bytes.readUInt32BE(0) !== 0x7f454c46) {
    return undefined;
  }
  return machines[bytes.readUInt16LE(18)] ?? 'another architecture';
}

function start(file: string): Buffer {
  return file.endsWith('.zip') ? firstBytesInZip(file) : firstBytes(file);
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
