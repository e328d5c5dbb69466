// The module `@aws-appsync/utils` as resolvers import it, and what runs them.
const native = globalThis.__native;
delete globalThis.__native;

class Raised {
  constructor(error) {
    this.error = error;
  }
}

class Returned {
  constructor(value) {
    this.value = value;
  }
}

// Of the call that runs.
let current = { noted: [], context: null };

const orNull = (value) => (value === undefined ? null : value);

const failure = (message, errorType, data, errorInfo) => ({
  message: message === undefined || message === null ? '' : String(message),
  errorType: errorType === undefined || errorType === null ? null : String(errorType),
  data: orNull(data),
  errorInfo: orNull(errorInfo),
});

// Names what is missing, to whoever sent the request: it would be there on AWS. Only that is looked for in the prototype.
const named = (label, members) => {
  const missing = new Proxy(Object.freeze({}), {
    get(target, name) {
      if (typeof name === 'symbol') return target[name];
      const message = `${label}.${name} is not supported by the local stack`;
      throw new Raised(failure(message, 'UnsupportedByLocalStack'));
    },
  });
  return Object.freeze(Object.setPrototypeOf(members, missing));
};

const time = named('util.time', {
  nowISO8601: () => native.iso8601(native.nowMs()),
  nowEpochSeconds: () => Math.floor(native.nowMs() / 1000),
  nowEpochMilliSeconds: () => native.nowMs(),
  parseISO8601ToEpochMilliSeconds: (text) => native.parseIso8601(String(text)),
  epochMilliSecondsToSeconds: (epochMs) => Math.floor(epochMs / 1000),
  epochMilliSecondsToISO8601: (epochMs) => native.iso8601(Number(epochMs)),
});

const str = named('util.str', {
  toUpper: (text) => String(text).toUpperCase(),
  toLower: (text) => String(text).toLowerCase(),
  toReplace: (text, from, to) => String(text).replaceAll(from, to),
  normalize: (text, form) => String(text).normalize(String(form).toUpperCase()),
});

const math = named('util.math', {
  roundNum: (number) => Math.round(number),
  minVal: (a, b) => Math.min(a, b),
  maxVal: (a, b) => Math.max(a, b),
  randomDouble: () => Math.random(),
  randomWithinRange: (start, end) => Math.floor(Math.random() * (end - start)) + start,
});

const isMap = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

export const util = named('util', {
  error: (message, errorType, data, errorInfo) => {
    throw new Raised(failure(message, errorType, data, errorInfo));
  },
  appendError: (message, errorType, data, errorInfo) => {
    current.noted.push(failure(message, errorType, data, errorInfo));
  },
  unauthorized: () => {
    const { fieldName, parentTypeName } = current.context.info;
    throw new Raised(failure(`Not Authorized to access ${fieldName} on type ${parentTypeName}`, 'Unauthorized'));
  },
  validate: (condition, message, errorType, data, errorInfo) => {
    if (!condition) throw new Raised(failure(message, errorType ?? 'CustomTemplateException', data, errorInfo));
  },
  authType: () => (current.context.identity?.sub ? 'User Pool Authorization' : 'IAM Authorization'),
  autoId: () => native.uuid(),
  autoUlid: () => native.ulid(),
  base64Encode: (text) => native.base64Encode(String(text)),
  base64Decode: (text) => native.base64Decode(String(text)),
  urlEncode: (text) => encodeURIComponent(text).replaceAll('%20', '+'),
  urlDecode: (text) => decodeURIComponent(String(text).replaceAll('+', ' ')),
  escapeJavaScript: (text) => JSON.stringify(String(text)).slice(1, -1).replaceAll("'", "\\'"),
  isNull: (value) => value === null || value === undefined,
  isNullOrEmpty: (text) => text === null || text === undefined || text === '',
  isNullOrBlank: (text) => text === null || text === undefined || String(text).trim() === '',
  defaultIfNull: (value, other) => (value === null || value === undefined ? other : value),
  defaultIfNullOrEmpty: (text, other) => (text === null || text === undefined || text === '' ? other : text),
  defaultIfNullOrBlank: (text, other) =>
    text === null || text === undefined || String(text).trim() === '' ? other : text,
  isString: (value) => typeof value === 'string',
  isNumber: (value) => typeof value === 'number',
  isBoolean: (value) => typeof value === 'boolean',
  isList: (value) => Array.isArray(value),
  isMap,
  typeOf: (value) => {
    if (value === null || value === undefined) return 'Null';
    if (Array.isArray(value)) return 'List';
    return { string: 'String', number: 'Number', boolean: 'Boolean', object: 'Map' }[typeof value] ?? 'Object';
  },
  matches: (pattern, text) => new RegExp(pattern).test(String(text)),
  time,
  str,
  math,
});

export const runtime = named('runtime', {
  earlyReturn: (value) => {
    throw new Returned(value);
  },
});

// Each is known, so that importing it is no mistake; none is there.
export const extensions = named('extensions', {});

const log = (level) => (...values) =>
  native.log(level, values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' '));

globalThis.console = { log: log('log'), info: log('info'), warn: log('warn'), error: log('error'), debug: log('debug') };

// Nothing that a request changes on a shared object may be found by the next one.
export const __freeze = (resolver) => {
  const seen = new Set();
  const freeze = (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) {
      const property = Reflect.getOwnPropertyDescriptor(value, key);
      if (property && 'value' in property) freeze(property.value);
    }
    freeze(Reflect.getPrototypeOf(value));
    if (value !== globalThis) Object.freeze(value);
  };
  for (const key of Reflect.ownKeys(globalThis)) {
    const property = Reflect.getOwnPropertyDescriptor(globalThis, key);
    if (property && 'value' in property && property.value !== globalThis) freeze(property.value);
  }
  Object.freeze(globalThis);
  freeze(resolver.request);
  freeze(resolver.response);
};

// What runs a resolver's functions. `both`, for a NONE data source: the payload of the request is the result that the
// response sees. `request` and `response`, for another one, which is asked in between: `carried` is what came of that.
const handlers = {
  both: (resolver, context) => {
    const request = resolver.request(context);
    context.result = orNull(request?.payload);
    return resolver.response(context);
  },
  request: (resolver, context) => {
    const request = orNull(resolver.request(context));
    return { request: { request, stash: orNull(context.stash) } };
  },
  response: (resolver, context) => resolver.response(context),
};

export const __runner = (resolver) => (handler, event, carried) => {
  const context = Object.assign(JSON.parse(event), JSON.parse(carried));
  context.args = context.arguments;
  context.env = {};
  context.outErrors = [];
  current = { noted: [], context };
  try {
    let result;
    try {
      result = handlers[handler](resolver, context);
    } catch (raised) {
      if (!(raised instanceof Returned)) throw raised;
      result = handler === 'request' ? { returned: orNull(raised.value) } : raised.value;
    }
    return JSON.stringify({ result: orNull(result), errors: current.noted });
  } catch (raised) {
    if (raised instanceof Raised) {
      return JSON.stringify({ errors: [...current.noted, raised.error], failed: true });
    }
    return JSON.stringify({ exception: `${raised}` });
  }
};
