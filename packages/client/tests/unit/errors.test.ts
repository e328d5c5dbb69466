/** Which errors may pass, and what AppSync's mean in each of their shapes. */

import { describe, expect, test } from 'vitest';

import { errorOf } from '../../src/amplify/errors.js';
import { asTokencastError, errorOfCode, errorOfType } from '../../src/errors.js';
import { isStaleToken, refusalIn } from '../../src/graphql_errors.js';

test.each([
  ['Lambda:Unhandled', true],
  ['Lambda:IllegalArgument', true],
  ['Sandbox.Timedout', true],
  ['Runtime.ExitError', true],
  ['Runtime.UserCodeSyntaxError', true],
  ['com.amazon.deepdish.appsync#MaxSubscriptionsReachedError', true],
  ['ThrottlingException', true],
  ['THROTTLED', true],
  ['INTERNAL', true],
  ['PUBLISH_FAILED', true],
  ['MODEL_ERROR', true],
  ['MODEL_STALLED', true],
  ['DEADLINE', false],
  ['INVALID_PROMPT', false],
  ['QUOTA_EXCEEDED', false],
  ['UNAUTHORIZED', false],
  ['Unauthorized', false],
  ['MalformedHttpRequestException', false],
  ['Sandboxed', false],
])('%s may pass: %s', (errorType, passes) => {
  expect(errorOfType(errorType, 'said').transient).toBe(passes);
});

test('where no type is said, it is null', () => {
  expect(errorOfType('', 'Variable has an invalid value').errorType).toBeNull();
});

test('an address that cannot be reached is named where Node names it in a cause only', () => {
  const refused = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
  const thrown = new TypeError('fetch failed', { cause: refused });
  expect(asTokencastError(thrown)).toMatchObject({
    kind: 'connection',
    message: 'fetch failed: ECONNREFUSED',
    cause: thrown,
  });
});

const SAID = { errorType: 'MaxSubscriptionsReachedError', message: 'Too many' };

const SHAPES: [shape: string, payload: object][] = [
  ['a list', { errors: [SAID] }],
  ['one object', { errors: SAID }],
  ['the type alone', SAID],
];

describe.each(SHAPES)('errors as %s', (_, payload) => {
  test('say why', () => {
    expect(refusalIn(payload)).toEqual(SAID);
  });

  test('of a refused subscription, as Amplify passes them on', () => {
    const thrown = { errors: [{ message: `Connection failed: ${JSON.stringify(payload)}` }] };
    expect(errorOf(thrown)).toMatchObject({ ...SAID, kind: 'refused', transient: true });
  });

  test('of an HTTP answer', () => {
    const refused = (statusCode: number): unknown => ({
      errors: [
        { message: '', originalError: { response: { statusCode, body: JSON.stringify(payload) } } },
      ],
    });
    expect(errorOf(refused(400))).toMatchObject({ kind: 'refused', ...SAID });
    expect(errorOf(refused(500))).toMatchObject({ kind: 'connection', ...SAID });
    expect(errorOf(refused(429)).transient).toBe(true);
  });
});

test.each([[{}], [null], ['no'], [{ errors: [] }], [{ errors: null }], [{ errorType: 7 }]])(
  '%o says nothing',
  (payload) => {
    expect(refusalIn(payload)).toBeNull();
  },
);

test.each([
  [{ errors: { message: 'Token expired' } }],
  [{ errors: [{ errorType: 'UnauthorizedException', message: 'Token has expired.' }] }],
  [{ errorType: 'UnauthorizedException' }],
])('%o is about a token that is over', (payload) => {
  const thrown = { errors: [{ message: `Connection failed: ${JSON.stringify(payload)}` }] };
  expect(isStaleToken(errorOf(thrown))).toBe(true);
});

test('a frame that says nothing is no reason to give up', () => {
  const thrown = { errors: [{ message: 'Connection failed: {"id":"1","type":"error"}' }] };
  expect(errorOf(thrown)).toMatchObject({ kind: 'connection', transient: true });
});

test('HTTP without a reason: what may pass passes', () => {
  const refused = (statusCode: number): unknown => ({
    errors: [{ message: '', originalError: { response: { statusCode, body: '<html>' } } }],
  });
  expect([400, 401, 403, 429, 502, 503].map((code) => errorOf(refused(code)).transient)).toEqual([
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});

describe('a quota that is used up', () => {
  const quota = { resetsAt: '2026-11-29T00:00:00.000Z', limit: 'startsPerDay' };
  const message = 'You may start 200 sessions a day';
  const expected = { kind: 'refused', errorType: 'QUOTA_EXCEEDED', transient: false, ...quota };

  test('is told by GraphQL with its limit and its time', () => {
    const said = { errorType: 'QUOTA_EXCEEDED', message, errorInfo: quota };
    expect(refusalIn({ errors: [said] })).toEqual(said);
    expect(errorOf({ errors: [said] })).toMatchObject(expected);
  });

  test('is told by the other channels', () => {
    const said = { code: 'QUOTA_EXCEEDED', message, retryable: false, ...quota };
    expect(errorOfCode(said)).toMatchObject(expected);
  });

  test('may be told without either', () => {
    const error = errorOfType('QUOTA_EXCEEDED', message);
    expect([error.resetsAt, error.limit, error.transient]).toEqual([null, null, false]);
    expect(refusalIn({ errorType: 'QUOTA_EXCEEDED', message, errorInfo: { resetsAt: 5 } })).toEqual(
      {
        errorType: 'QUOTA_EXCEEDED',
        message,
      },
    );
  });
});
