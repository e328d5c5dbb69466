// aws-jwt-verify, which AWS wrote for back ends, decides on the shared table of forged tokens as our verifier does.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, mock, test } from 'node:test';

import { JwtVerifier } from 'aws-jwt-verify';
import { validateCognitoJwtFields } from 'aws-jwt-verify/cognito-verifier';

const table = JSON.parse(readFileSync(new URL('../fixtures/forged_tokens.json', import.meta.url)));

/** As its verifier for Cognito, whose issuer can't be chosen; `tokenUse: null` takes both kinds. */
const verifier = JwtVerifier.create({
  issuer: table.issuer,
  audience: null,
  graceSeconds: 0,
  customJwtCheck: ({ payload }) => validateCognitoJwtFields(payload, { tokenUse: null, clientId: table.clientId }),
});

before(() => {
  verifier.cacheJwks(table.jwks);
  mock.timers.enable({ apis: ['Date'], now: table.now * 1000 });
});

for (const { name, token, refused, differs } of table.rows) {
  test(name, () => {
    const expected = (refused === null) !== (differs?.['aws-jwt-verify'] !== undefined);
    let reason = null;
    try {
      verifier.verifySync(token);
    } catch (error) {
      reason = error;
    }
    assert.equal(reason === null, expected, `${reason ?? 'taken'}`);
  });
}
