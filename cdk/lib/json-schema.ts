/**
 * Checks a value by a JSON Schema, and tells all that is wrong with it by place, in the words that the functions use.
 *
 * No library does it, because the npm package has no dependency but its peers, and validators have words of their own. A
 * keyword that isn't known here is an error.
 */

export type Schema = boolean | Keywords;

/** The keywords that others are read together with. */
interface Keywords {
  readonly type?: string | readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Place {
  readonly root: Schema;
  readonly path: string;
}

type Check = (wanted: unknown, value: unknown, place: Place, schema: Keywords) => string[];

/** What is wrong with `value`, each problem as `place: is that, expected this`; nothing if it is as `schema` says. */
export function schemaProblems(schema: Schema, value: unknown): string[] {
  return problems(schema, value, { root: schema, path: '' });
}

function problems(schema: Schema, value: unknown, place: Place): string[] {
  if (typeof schema === 'boolean') {
    return schema ? [] : [say(place, 'is there', 'nothing')];
  }
  // What a value of another type should be besides is no help.
  const { type } = schema;
  if (type !== undefined && !list(type).some((name) => isOfType(value, String(name)))) {
    return [say(place, `is ${written(value)}`, describedWithKind(schema))];
  }
  return Object.entries(schema).flatMap(([keyword, wanted]) => {
    const check = CHECKS[keyword];
    if (!check) {
      throw new Error(`the schema has \`${keyword}\` at \`${place.path}\`, which is not known here`);
    }
    return check(wanted, value, place, schema);
  });
}

const NOTHING: Check = () => [];

/** A number's bounds are told together, so that each is checked, and one of them speaks. */
const BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const;

const CHECKS: Readonly<Record<string, Check>> = {
  ...Object.fromEntries(
    ['$schema', '$id', '$defs', '$comment', 'title', 'description', 'examples', 'default', 'type'].map((name) => [
      name,
      NOTHING,
    ]),
  ),
  ...Object.fromEntries(
    BOUNDS.map((name): [string, Check] => [
      name,
      (_, value, place, schema) =>
        typeof value === 'number' && BOUNDS.find((bound) => isBeyond(value, bound, schema[bound])) === name
          ? [say(place, `is ${written(value)}`, described(schema))]
          : [],
    ]),
  ),
  $ref: (wanted, value, place) => problems(resolve(place.root, String(wanted)), value, place),
  const: (wanted, value, place) => (value === wanted ? [] : [say(place, `is ${written(value)}`, written(wanted))]),
  enum: (wanted, value, place) =>
    list(wanted).includes(value) ? [] : [say(place, `is ${written(value)}`, list(wanted).map(written).join(' or '))],
  minLength: (wanted, value, place, schema) => length(value, place, schema, (got) => got < Number(wanted)),
  maxLength: (wanted, value, place, schema) => length(value, place, schema, (got) => got > Number(wanted)),
  pattern: (wanted, value, place, schema) =>
    typeof value !== 'string' || new RegExp(String(wanted), 'u').test(value)
      ? []
      : [say(place, `is ${written(value)}`, described(schema))],
  required: (wanted, value, place) =>
    isObject(value)
      ? list(wanted)
          .filter((name) => !(String(name) in value))
          .map((name) => say(within(place, String(name)), 'is missing', 'a value'))
      : [],
  properties: (wanted, value, place) =>
    isObject(value)
      ? Object.entries(wanted as Readonly<Record<string, Schema>>).flatMap(([name, schema]) =>
          name in value ? problems(schema, value[name], within(place, name)) : [],
        )
      : [],
  additionalProperties: (wanted, value, place, schema) => {
    const known = Object.keys(schema.properties ?? {});
    const others = isObject(value) ? Object.entries(value).filter(([name]) => !known.includes(name)) : [];
    return others.flatMap(([name, other]) =>
      wanted === false
        ? [say(within(place, name), 'is unknown', known.map((it) => `\`${it}\``).join(', '))]
        : problems(wanted as Schema, other, within(place, name)),
    );
  },
  propertyNames: (wanted, value, place) =>
    isObject(value) ? Object.keys(value).flatMap((name) => problems(wanted as Schema, name, within(place, name))) : [],
  minProperties: (wanted, value, place) =>
    isObject(value) && Object.keys(value).length < Number(wanted)
      ? [say(place, `has ${Object.keys(value).length}`, `${Number(wanted)} at least`)]
      : [],
  maxProperties: (wanted, value, place) =>
    isObject(value) && Object.keys(value).length > Number(wanted)
      ? [say(place, `has ${Object.keys(value).length}`, `${Number(wanted)} at most`)]
      : [],
  items: (wanted, value, place) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => problems(wanted as Schema, item, within(place, String(index))))
      : [],
};

function length(value: unknown, place: Place, schema: Keywords, isWrong: (got: number) => boolean): string[] {
  const got = typeof value === 'string' ? Array.from(value).length : undefined;
  return got !== undefined && isWrong(got) ? [say(place, `has ${got} characters`, described(schema))] : [];
}

function isBeyond(value: number, bound: (typeof BOUNDS)[number], limit: unknown): boolean {
  if (typeof limit !== 'number') {
    return false;
  }
  switch (bound) {
    case 'minimum':
      return value < limit;
    case 'maximum':
      return value > limit;
    case 'exclusiveMinimum':
      return value <= limit;
    case 'exclusiveMaximum':
      return value >= limit;
  }
}

/** What a schema wants, in words. */
function described(schema: Keywords): string {
  const { minimum, maximum, exclusiveMinimum, minLength = 0, maxLength, pattern } = schema;
  if (minimum !== undefined && maximum !== undefined) {
    return `${minimum} to ${maximum}`;
  }
  if (minimum !== undefined) {
    return `at least ${minimum}`;
  }
  if (exclusiveMinimum !== undefined) {
    return maximum === undefined ? `more than ${exclusiveMinimum}` : `more than ${exclusiveMinimum}, up to ${maximum}`;
  }
  if (maxLength !== undefined) {
    return `${minLength} to ${maxLength} characters`;
  }
  if (pattern !== undefined) {
    return `what matches \`${pattern}\``;
  }
  if (minLength > 0) {
    return `at least ${minLength} characters`;
  }
  return kinds(schema);
}

/** What a schema wants, in words, where a value is of another type. */
function describedWithKind(schema: Keywords): string {
  const { minimum, maximum, maxLength } = schema;
  if (minimum !== undefined && maximum !== undefined) {
    return `${kinds(schema)} from ${described(schema)}`;
  }
  return maxLength === undefined ? described(schema) : `${kinds(schema)} of ${described(schema)}`;
}

function kinds(schema: Keywords): string {
  return list(schema.type)
    .map((name) => KINDS[String(name)] ?? String(name))
    .join(' or ');
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: '`true` or `false`',
  object: 'an object',
  array: 'a list',
};

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    default:
      return typeof value === type;
  }
}

function resolve(root: Schema, reference: string): Schema {
  const names = reference.startsWith('#/') ? reference.slice(2).split('/') : [];
  let found: unknown = names.length > 0 ? root : undefined;
  for (const name of names) {
    found = isObject(found) ? found[name] : undefined;
  }
  if (found === undefined) {
    throw new Error(`the schema has no \`${reference}\``);
  }
  return found as Schema;
}

function within({ root, path }: Place, name: string): Place {
  return { root, path: path === '' ? name : `${path}.${name}` };
}

function say({ path }: Place, got: string, expected: string): string {
  return `${path === '' ? 'the file' : path}: ${got}, expected ${expected}`;
}

/** A value as it is in the file, if that is short. */
function written(value: unknown): string {
  if (isObject(value)) {
    return 'an object';
  }
  if (Array.isArray(value)) {
    return 'a list';
  }
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : value === undefined ? [] : [value];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
