/** Writes the templates of every variant to `build/templates/<variant>`, with stand-ins for the functions. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { tokencast } from '../lib/app';
import { CDK_DIR } from '../lib/paths';
import { Machine, placeholderFunctions } from './placeholder';
import { VARIANTS } from './variants';

export const TEMPLATES_DIR = join(CDK_DIR, 'build', 'templates');

/** What `cdk.json` tells every deployment. */
export function toolkitContext(): Record<string, unknown> {
  const file = JSON.parse(readFileSync(join(CDK_DIR, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> };
  return file.context;
}

/** Synthesizes every variant, and says where. */
export function writeTemplates(): string {
  rmSync(TEMPLATES_DIR, { recursive: true, force: true });
  for (const name of Object.keys(VARIANTS)) {
    writeVariant(name, join(TEMPLATES_DIR, name));
  }
  return TEMPLATES_DIR;
}

/** Synthesizes one variant into `outdir`. */
export function writeVariant(name: string, outdir: string): void {
  const context = VARIANTS[name] ?? {};
  const machine: Machine = context['architecture'] === 'arm64' ? 'arm64' : 'x86_64';
  const functionsDir = placeholderFunctions(join(CDK_DIR, 'build', 'placeholder', machine), machine);
  const { app } = tokencast({
    analyticsReporting: false,
    outdir,
    context: { ...toolkitContext(), functionsDir, ...context },
  });
  app.synth();
}

if (require.main === module) {
  console.log(`The templates of ${Object.keys(VARIANTS).length} variants are in ${writeTemplates()}`);
}
