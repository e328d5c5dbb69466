/** What the functions read from their environment besides the names of resources: names, ranges, defaults. */

import { Duration } from 'aws-cdk-lib';

import { FunctionName } from './function-names';

/** How answers are made and delivered. What is left out has the default of the functions' own `config.rs`. */
export interface StreamSettings {
  /** The longest prompt that is taken, in bytes: 1 to 500,000. @default 100000 */
  readonly maxPromptBytes?: number;
  /** How long a session is kept after its start, in hours: 1 to 8,760. @default 24 */
  readonly sessionTtlHours?: number;
  /** How long a conversation is kept after its last turn, in days: 1 to 3,650. @default 90 */
  readonly conversationTtlDays?: number;
  /** How many tokens of a conversation's past turns the model gets with a prompt: 0 to 1,000,000. @default 32000 */
  readonly maxHistoryTokens?: number;
  /**
   * `auto`: the model keeps the past turns of a conversation in its prompt cache, if it is known to have one. `off`: it is
   * never asked to. @default 'auto'
   */
  readonly promptCaching?: PromptCaching;
  /** How many tokens the model may answer with: 1 to 200,000. @default 4096 */
  readonly maxTokens?: number;
  /** The model's temperature: 0 to 1. @default - the model's own */
  readonly temperature?: number;
  /** What the model is told before each prompt, at most 3,000 bytes. @default - nothing */
  readonly systemPrompt?: string;
  /** Whether clients of protocols that have one may bring a system prompt, which follows `systemPrompt`. @default false */
  readonly clientSystemPrompt?: boolean;
  /** Whether the log has what the model says of a failure where that may quote a prompt. @default false */
  readonly logModelErrors?: boolean;
  /** `joined`: tokens that wait go out together. `token`: each goes out by itself. @default 'joined' */
  readonly publishMode?: PublishMode;
  /** How long tokens wait for others after the first, in milliseconds: 0 to 1,000. @default 0 */
  readonly flushIntervalMs?: number;
  /** How often the text so far is saved, in milliseconds: 50 to 5,000. @default 500 */
  readonly checkpointIntervalMs?: number;
  /** How long a worker holds a session without renewing, in seconds: 1 to 900. @default 30 */
  readonly leaseSeconds?: number;
  /** How long an attempt waits for the model's first token, in milliseconds: 100 to 900,000. @default 120000 */
  readonly modelFirstTokenTimeoutMs?: number;
  /** How long the model may be silent after it, in milliseconds: 100 to 300,000. @default 30000 */
  readonly modelIdleTimeoutMs?: number;
  /** How long a session waits for a model that is throttled, in seconds: 0 to 3,600. @default 300 */
  readonly throttlePatienceSeconds?: number;
  /** How long after its start an answer may begin, in seconds: 60 to 86,400. @default 3600 */
  readonly startWithinSeconds?: number;
  /** How often an answer is tried, 1 to 100, but for a throttled model. @default 3 */
  readonly maxAttempts?: number;
  /** How long before Lambda's deadline an answer is ended, in milliseconds: 100 to 60,000. @default 10000 */
  readonly deadlineReserveMs?: number;
  /**
   * What the function URL answers who has all events already: `no-content`, 204, or `event-stream`, for accounts on which
   * Lambda keeps a response open that has no body. @default 'no-content'
   */
  readonly nothingLeft?: NothingLeft;
}

export type NothingLeft = (typeof NOTHING_LEFT)[number];

export const NOTHING_LEFT = ['no-content', 'event-stream'] as const;

export type PromptCaching = (typeof PROMPT_CACHING)[number];

export const PROMPT_CACHING = ['auto', 'off'] as const;

export const CLIENT_SYSTEM_PROMPT = ['refused', 'taken'] as const;

export type PublishMode = (typeof PUBLISH_MODES)[number];

export const PUBLISH_MODES = ['joined', 'token'] as const;

/** A whole number that some of the functions read. */
export interface NumberSetting {
  readonly variable: string;
  readonly minimum: number;
  readonly maximum: number;
  readonly default: number;
  readonly readBy: readonly FunctionName[];
}

type NumberName = Exclude<
  keyof StreamSettings,
  | 'temperature'
  | 'systemPrompt'
  | 'clientSystemPrompt'
  | 'publishMode'
  | 'promptCaching'
  | 'nothingLeft'
  | 'logModelErrors'
>;

/** Those that take prompts. */
const FRONT_DOORS = ['request', 'function-url', 'websocket'] as const;

/** Those that ask the model. */
const PIPELINES: readonly FunctionName[] = ['worker', 'function-url'];

export const NUMBER_SETTINGS: Readonly<Record<NumberName, NumberSetting>> = {
  maxPromptBytes: setting('MAX_PROMPT_BYTES', 1, 500_000, 100_000, ...FRONT_DOORS),
  sessionTtlHours: setting('SESSION_TTL_HOURS', 1, 8760, 24, ...FRONT_DOORS, 'worker'),
  conversationTtlDays: setting('CONVERSATION_TTL_DAYS', 1, 3650, 90, ...FRONT_DOORS, 'worker'),
  maxHistoryTokens: setting('MAX_HISTORY_TOKENS', 0, 1_000_000, 32_000, ...FRONT_DOORS, 'worker'),
  maxTokens: setting('MAX_TOKENS', 1, 200_000, 4096, ...FRONT_DOORS, 'worker'),
  flushIntervalMs: setting('FLUSH_INTERVAL_MS', 0, 1000, 0, ...PIPELINES),
  checkpointIntervalMs: setting('CHECKPOINT_INTERVAL_MS', 50, 5000, 500, ...PIPELINES),
  leaseSeconds: setting('LEASE_SECONDS', 1, 900, 30, ...FRONT_DOORS, 'worker'),
  modelFirstTokenTimeoutMs: setting('MODEL_FIRST_TOKEN_TIMEOUT_MS', 100, 900_000, 120_000, ...PIPELINES),
  modelIdleTimeoutMs: setting('MODEL_IDLE_TIMEOUT_MS', 100, 300_000, 30_000, ...PIPELINES),
  throttlePatienceSeconds: setting('THROTTLE_PATIENCE_SECONDS', 0, 3600, 300, ...PIPELINES),
  startWithinSeconds: setting('START_WITHIN_SECONDS', 60, 86_400, 3600, ...FRONT_DOORS),
  maxAttempts: setting('MAX_ATTEMPTS', 1, 100, 3, ...PIPELINES),
  deadlineReserveMs: setting('DEADLINE_RESERVE_MS', 100, 60_000, 10_000, ...PIPELINES),
};

/** A setting's value, checked; the default where there is none. */
export function numberSetting(settings: StreamSettings, name: NumberName): number {
  const { minimum, maximum, default: byDefault } = NUMBER_SETTINGS[name];
  return checkWhole(name, settings[name] ?? byDefault, minimum, maximum);
}

/** The part of a function's environment that the settings decide. */
export function settingsEnvironment(settings: StreamSettings, functionName: FunctionName): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of Object.keys(NUMBER_SETTINGS) as NumberName[]) {
    const { variable, readBy } = NUMBER_SETTINGS[name];
    if (readBy.includes(functionName)) {
      environment[variable] = String(numberSetting(settings, name));
    }
  }
  if (functionName === 'function-url') {
    environment['NOTHING_LEFT'] = nothingLeft(settings);
  }
  return {
    ...environment,
    ...(FRONT_DOORS.some((name) => name === functionName) && frontDoorWords(settings)),
    ...(PIPELINES.includes(functionName) && pipelineWords(settings)),
  };
}

function nothingLeft({ nothingLeft: choice = 'no-content' }: StreamSettings): NothingLeft {
  return checkWord('nothingLeft', choice, NOTHING_LEFT);
}

/** `value`, if it is one of the words. */
function checkWord<T extends string>(name: string, value: T, words: readonly T[]): T {
  if (!words.includes(value)) {
    throw new Error(`\`${name}\` is \`${value}\`, expected ${words.map((word) => `\`${word}\``).join(' or ')}`);
  }
  return value;
}

/** `value`, if it is a whole number within the range. */
export function checkWhole(name: string, value: number, minimum: number, maximum: number): number {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new Error(`\`${name}\` is \`${value}\`, expected ${minimum} to ${maximum}`);
  }
  return value;
}

/** Refuses a timeout that a function can't have, or that leaves it no time before it has to end an answer. */
export function checkTimes(settings: StreamSettings, name: string, timeout: Duration): void {
  const seconds = checkWhole(`${name} in seconds`, timeout.toSeconds(), 30, 900);
  const reserve = numberSetting(settings, 'deadlineReserveMs') / 1000;
  if (reserve >= seconds) {
    throw new Error(`\`deadlineReserveMs\` is ${reserve} s, expected less than \`${name}\`, which is ${seconds} s`);
  }
}

function frontDoorWords({ clientSystemPrompt = false }: StreamSettings): Record<string, string> {
  const [refused, taken] = CLIENT_SYSTEM_PROMPT;
  return { CLIENT_SYSTEM_PROMPT: clientSystemPrompt ? taken : refused };
}

function pipelineWords(settings: StreamSettings): Record<string, string> {
  // Lambda's whole environment may take 4 KB.
  const systemPromptMaxBytes = 3000;
  const { publishMode = 'joined', promptCaching = 'auto' } = settings;
  const { temperature, systemPrompt, logModelErrors = false } = settings;
  const words: Record<string, string> = {
    PUBLISH_MODE: checkWord('publishMode', publishMode, PUBLISH_MODES),
    PROMPT_CACHING: checkWord('promptCaching', promptCaching, PROMPT_CACHING),
    LOG_MODEL_ERRORS: String(logModelErrors),
  };
  if (temperature !== undefined) {
    if (!(temperature >= 0 && temperature <= 1)) {
      throw new Error(`\`temperature\` is \`${temperature}\`, expected 0 to 1`);
    }
    words['TEMPERATURE'] = String(temperature);
  }
  if (systemPrompt) {
    const bytes = Buffer.byteLength(systemPrompt);
    if (bytes > systemPromptMaxBytes) {
      throw new Error(`\`systemPrompt\` is ${bytes} bytes long, expected at most ${systemPromptMaxBytes}`);
    }
    words['SYSTEM_PROMPT'] = systemPrompt;
  }
  return words;
}

function setting(
  variable: string,
  minimum: number,
  maximum: number,
  byDefault: number,
  ...readBy: FunctionName[]
): NumberSetting {
  return { variable, minimum, maximum, default: byDefault, readBy };
}
