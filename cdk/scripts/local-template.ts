/** The template that the local stack is started from, committed so that it can be built into the command without Node. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { CDK_DIR } from '../lib/paths';
import { writeVariant } from './templates';

export const LOCAL_TEMPLATE_FILE = join(CDK_DIR, 'templates', 'local.template.json');

/** The `Streaming` stack of the variant `local`, the same on every machine. */
export function localTemplate(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tokencast-cdk-'));
  try {
    writeVariant('local', folder);
    const template = JSON.parse(readFileSync(join(folder, 'Streaming.template.json'), 'utf8')) as unknown;
    return `${JSON.stringify(template, withoutHash, 2)}\n`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The hash of a stand-in's archive says nothing, and depends on the zlib that packed it. */
function withoutHash(key: string, value: unknown): unknown {
  return key === 'S3Key' ? 'code.zip' : value;
}

if (require.main === module) {
  mkdirSync(dirname(LOCAL_TEMPLATE_FILE), { recursive: true });
  writeFileSync(LOCAL_TEMPLATE_FILE, localTemplate());
  console.log(`The local stack's template is ${LOCAL_TEMPLATE_FILE}`);
}
