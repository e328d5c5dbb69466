/** The functions' packaged binaries, checked before they are deployed. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Architecture, Code } from 'aws-cdk-lib/aws-lambda';

import { FUNCTIONS_DIR } from './assets';
import { architectureOf } from './binary';
import { FunctionName } from './function-names';

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
    check(zip, architecture);
    return Code.fromAsset(zip);
  }
  if (existsSync(binary) && statSync(binary).isFile()) {
    check(binary, architecture);
    return Code.fromAsset(join(folder, name), { exclude: ['*', '!bootstrap'] });
  }
  throw new Error(
    `the ${name} function is not packaged: there is no ${zip}. Run \`cargo xtask package\`, ` +
      'or name the folder with `-c functionsDir=…`.',
  );
}

/** The functions of a `TokenStream` that come along in the npm package. */
export function ownCode(architecture: Architecture): FunctionCode {
  return { request: ownFunction('request', architecture), worker: ownFunction('worker', architecture) };
}

/** A function that comes along in the npm package. */
export function ownFunction(name: FunctionName, architecture: Architecture): Code {
  const folder = join(FUNCTIONS_DIR, architecture.name);
  if (!existsSync(folder)) {
    throw new Error(
      `this package has no functions for ${architecture.name}: set \`architecture\` to another, or give the \`code\` of ` +
        'functions that you have built (`packagedCode`, `packagedFunction`)',
    );
  }
  return packagedFunction(folder, name, architecture);
}

/** Refuses a binary of another architecture. What isn't an ELF file, a script for one, is left to Lambda. */
function check(file: string, architecture: Architecture): void {
  const machine = architectureOf(file);
  if (machine !== undefined && machine !== architecture.name) {
    throw new Error(
      `${file} is built for ${machine}, but the functions are deployed on ${architecture.name}. ` +
        `Deploy with \`-c architecture=${machine}\`, or package them for ${architecture.name}.`,
    );
  }
}
