/** Deployments to look at: synthesized once for each test file, with functions that the test makes itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Architecture, Code } from 'aws-cdk-lib/aws-lambda';

import { tokencast } from '../lib/app';
import { packagedCode, packagedFunction } from '../lib/packaged-code';
import { FunctionName } from '../lib/function-names';
import { Machine, placeholderFunctions } from '../scripts/placeholder';
import { toolkitContext } from '../scripts/templates';
import { TokenStreamProps } from '../lib/token-stream-props';

/** A resource as it is in a template. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly [attribute: string]: unknown;
}

export class Deployment {
  readonly app: App;
  private readonly stacks: readonly Stack[];

  constructor(context: Readonly<Record<string, unknown>> = {}) {
    const machine: Machine = context['architecture'] === 'arm64' ? 'arm64' : 'x86_64';
    const functionsDir = placeholderFunctions(scratch(), machine);
    const { app, stacks } = tokencast({
      analyticsReporting: false,
      outdir: scratch(),
      context: { ...toolkitContext(), functionsDir, ...context },
    });
    this.app = app;
    this.stacks = stacks;
  }

  get names(): string[] {
    return this.stacks.map((stack) => stack.node.id);
  }

  template(name: string): Template {
    const stack = this.stacks.find(({ node }) => node.id === name);
    if (!stack) {
      throw new Error(`there is no stack ${name}, only ${this.names.join(', ')}`);
    }
    return Template.fromStack(stack);
  }

  get templates(): Template[] {
    return this.names.map((name) => this.template(name));
  }
}

/** What a construct of its own needs at least. */
export function streamProps(): TokenStreamProps {
  return {
    code: packagedCode(placeholderFunctions(scratch()), Architecture.X86_64),
    model: { id: 'amazon.nova-lite-v1:0' },
  };
}

/** The code of another delivery. */
export function deliveryCode(name: FunctionName): Code {
  return packagedFunction(placeholderFunctions(scratch()), name, Architecture.X86_64);
}

/** A stack as a team's own app has it, with the same feature flags. */
export function ownStack(): Stack {
  return new Stack(new App({ analyticsReporting: false, outdir: scratch(), context: toolkitContext() }), 'Own');
}

export function resources(template: Template, type: string): Resource[] {
  return Object.values(template.findResources(type)) as Resource[];
}

/** The one resource of `type` that `select` accepts. */
export function only(template: Template, type: string, select: (found: Resource) => boolean = () => true): Resource {
  const found = resources(template, type).filter(select);
  const [first] = found;
  if (found.length !== 1 || first === undefined) {
    throw new Error(`${found.length} resources of type ${type}, expected one`);
  }
  return first;
}

/** A folder that is gone after the tests. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tokencast-cdk-'));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];

after(() => {
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
  }
});
