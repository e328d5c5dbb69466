import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Architecture } from 'aws-cdk-lib/aws-lambda';

import { packagedCode, packagedFunction } from '../lib/packaged-code';
import { FUNCTION_NAMES } from '../lib/function-names';
import { elf, placeholderFunctions, zip } from '../scripts/placeholder';
import { Deployment, scratch } from './deployment';

describe('packaged functions', () => {
  test('that are missing name the command that makes them', () => {
    const message = /request function is not packaged.*bootstrap\.zip.*`cargo xtask package`/;
    assert.throws(() => packagedCode(scratch(), Architecture.X86_64), message);
    assert.throws(() => new Deployment({ functionsDir: scratch() }), message);
    for (const name of FUNCTION_NAMES) {
      const named = new RegExp(`the ${name} function is not packaged: there is no .*${name}.bootstrap\\.zip`);
      assert.throws(() => packagedFunction(scratch(), name, Architecture.X86_64), named);
    }
  });

  test('are taken for the architecture that they are built for', () => {
    const arm = placeholderFunctions(scratch(), 'arm64');
    assert.doesNotThrow(() => packagedCode(arm, Architecture.ARM_64));
    assert.throws(
      () => packagedCode(arm, Architecture.X86_64),
      /request.bootstrap\.zip is built for arm64, but the functions are deployed on x86_64\. Deploy with `-c architecture=arm64`/,
    );
    const intel = placeholderFunctions(scratch());
    assert.throws(() => packagedCode(intel, Architecture.ARM_64), /is built for x86_64/);
  });

  const write = (make: (folder: string) => void): string => {
    const root = scratch();
    for (const name of FUNCTION_NAMES) {
      mkdirSync(join(root, name));
      make(join(root, name));
    }
    return root;
  };

  test('may be in folders instead of archives, and are checked there, too', () => {
    const root = write((folder) => {
      writeFileSync(join(folder, 'bootstrap'), elf('arm64'));
    });
    assert.doesNotThrow(() => packagedCode(root, Architecture.ARM_64));
    assert.throws(() => packagedCode(root, Architecture.X86_64), /(request|worker).bootstrap is built for arm64/);
  });

  test('may be scripts', () => {
    const root = write((folder) => {
      writeFileSync(join(folder, 'bootstrap'), '#!/bin/sh\n');
    });
    assert.doesNotThrow(() => packagedCode(root, Architecture.X86_64));
  });

  test('that are no archive, or hold no bootstrap, are refused', () => {
    const archive = (content: Buffer): string =>
      write((folder) => {
        writeFileSync(join(folder, 'bootstrap.zip'), content);
      });
    assert.throws(() => packagedCode(archive(Buffer.from('no')), Architecture.X86_64), /is not a zip archive/);
    const other = zip('target/bootstrap', elf('x86_64'));
    assert.throws(() => packagedCode(archive(other), Architecture.X86_64), /holds no `bootstrap` at its top/);
  });
});
