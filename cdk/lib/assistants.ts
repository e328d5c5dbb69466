/** The assistants' file: checked before anything is deployed, shipped as a layer, and what it names is permitted. */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileSystem, RemovalPolicy } from 'aws-cdk-lib';
import { Code, ILayerVersion, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

import { ASSISTANTS_SCHEMA_FILE } from './assets';
import { Schema, schemaProblems } from './json-schema';
import { ModelSpec, modelStatements } from './model-access';
import { repeatedMembers } from './repeated-members';
import { TokenStreamProps } from './token-stream-props';

/** Where the layer has the file. */
const FOLDER = 'tokencast';
const FILE = 'assistants.json';

/** How long an answer may be whose assistant doesn't say. */
const DEFAULT_MAX_TOKENS = 4096;

/** The settings that an assistant of the file has by itself. */
const OF_AN_ASSISTANT = ['systemPrompt', 'temperature', 'maxTokens', 'promptCaching', 'clientSystemPrompt'] as const;

/** What is read here of the file. The functions read the rest of it. */
interface AssistantsFile {
  readonly default: string;
  readonly assistants: Readonly<Record<string, Assistant>>;
  readonly prices?: Readonly<Record<string, unknown>>;
}

interface Assistant {
  readonly model: string;
  readonly maxTokens?: number;
  readonly reasoning?: { readonly budgetTokens: number };
  readonly guardrail?: { readonly id: string };
}

export interface AssistantsProps {
  /** The file's path. */
  readonly file: string;
  /** What can't be read from the ids of its models. @default - the ids say all */
  readonly models?: readonly ModelSpec[];
  /** What becomes of the layer when the stack goes. */
  readonly removalPolicy: RemovalPolicy;
}

export class Assistants extends Construct {
  /** Lays the file below `/opt`. */
  readonly layer: ILayerVersion;
  /** Where the functions find the file. */
  readonly path = `/opt/${FOLDER}/${FILE}`;
  /** Their names, as the file has them. */
  readonly names: readonly string[];
  /** The default assistant's model, and the others' once each. */
  readonly models: readonly [ModelSpec, ...ModelSpec[]];
  /** The ids or ARNs of guardrails. */
  readonly guardrails: readonly string[];
  /** Whether any model has a price. */
  readonly hasPrices: boolean;

  constructor(scope: Construct, id: string, { file, models = [], removalPolicy }: AssistantsProps) {
    super(scope, id);
    const content = readFile(file);
    refuse(file, unknownToIam(content, models));
    const [byDefault, ...others] = idsOf(content).map((id) => specOf(id, models));
    if (!byDefault) {
      throw new Error(`${file} has no assistant`);
    }
    this.models = [byDefault, ...others];
    this.names = Object.keys(content.assistants);
    const all = Object.values(content.assistants);
    this.guardrails = [...new Set(all.flatMap(({ guardrail }) => guardrail?.id ?? []))];
    this.hasPrices = Object.keys(content.prices ?? {}).length > 0;
    this.layer = new LayerVersion(this, 'Layer', {
      description: 'Tokencast: the file of assistants.',
      code: Code.fromAsset(folderWith(file)),
      compatibleRuntimes: [Runtime.PROVIDED_AL2023],
      removalPolicy,
    });
  }
}

/** The assistants of a stream, if it has a file of them. */
export function assistantsOf(scope: Construct, props: TokenStreamProps): Assistants | undefined {
  const { assistants: file, assistantModels: models, model, settings = {} } = props;
  const { removalPolicy = RemovalPolicy.RETAIN } = props;
  if (file === undefined) {
    if (models) {
      throw new Error('`assistantModels` is set, but `assistants` is not');
    }
    return undefined;
  }
  if (model) {
    throw new Error('`model` and `assistants` exclude each other: the file names the model of each assistant');
  }
  const twice = OF_AN_ASSISTANT.filter((name) => settings[name] !== undefined);
  if (twice.length > 0) {
    throw new Error(`${names(twice)} and \`assistants\` exclude each other: the file says it for each assistant`);
  }
  return new Assistants(scope, 'Assistants', { file, models, removalPolicy });
}

/** The models that answer, first the one where a start names no assistant. */
export function modelsOf(
  assistants: Assistants | undefined,
  { model }: TokenStreamProps,
): readonly [ModelSpec, ...ModelSpec[]] {
  if (assistants) {
    return assistants.models;
  }
  if (!model) {
    throw new Error('nobody would answer: give a `model`, or the file of `assistants`');
  }
  return [model];
}

/** What each function is told that starts, reads or answers sessions. */
export function assistantsEnvironment(assistants?: Assistants): Record<string, string> {
  return assistants ? { ASSISTANTS_FILE: assistants.path } : {};
}

/** What each function is told besides that asks a model: the file names those of assistants. */
export function modelEnvironment({ assistants, model }: WithModel): Record<string, string> {
  return assistants ? {} : { MODEL_ID: model.id };
}

interface WithModel {
  readonly assistants?: Assistants;
  readonly model: ModelSpec;
}

/** The ids of the models that the file names, once each, the default assistant's first. */
export function modelIds(file: string): string[] {
  return idsOf(readFile(file));
}

/** Reads the file. All that is wrong with it is one error. */
function readFile(file: string): AssistantsFile {
  const { value, repeated } = parse(file);
  const schema = JSON.parse(readFileSync(ASSISTANTS_SCHEMA_FILE, 'utf8')) as Schema;
  const twice = repeated.map((place) => `${place}: is there twice, expected once`);
  const problems = [...twice, ...schemaProblems(schema, value)];
  // One part is only compared with another where each is as it should be.
  refuse(file, problems.length > 0 ? problems : contradictions(value as AssistantsFile));
  return value as AssistantsFile;
}

function refuse(file: string, problems: readonly string[]): void {
  if (problems.length > 0) {
    throw new Error(`${file} is wrong:${problems.map((problem) => `\n  ${problem}`).join('')}`);
  }
}

function parse(file: string): { value: unknown; repeated: string[] } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`the assistants' file ${file} can't be read`, { cause: error });
  }
  try {
    return { value: JSON.parse(text) as unknown, repeated: repeatedMembers(text) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${file} is no JSON: ${reason}`, { cause: error });
  }
}

/** What no schema says: one part of the file against another. */
function contradictions({ default: byDefault, assistants }: AssistantsFile): string[] {
  const problems = Object.entries(assistants).flatMap(([name, { maxTokens = DEFAULT_MAX_TOKENS, reasoning }]) =>
    reasoning && reasoning.budgetTokens >= maxTokens
      ? [
          `assistants.${name}.reasoning.budgetTokens: is ${reasoning.budgetTokens}, expected less than maxTokens, ` +
            `which is ${maxTokens}`,
        ]
      : [],
  );
  if (!Object.hasOwn(assistants, byDefault)) {
    const there = names(Object.keys(assistants));
    problems.unshift(`default: is ${JSON.stringify(byDefault)}, expected one of the assistants, ${there}`);
  }
  return problems;
}

/** What IAM can't be told to permit. */
function unknownToIam({ assistants }: AssistantsFile, models: readonly ModelSpec[]): string[] {
  const problems = Object.entries(assistants).flatMap(([name, { model }]) =>
    refused(`assistants.${name}.model`, () => modelStatements(specOf(model, models))),
  );
  const used = Object.values(assistants).map(({ model }) => model);
  for (const { id } of models.filter(({ id }) => !used.includes(id))) {
    problems.push(`assistants: none has the model \`${id}\`, which \`assistantModels\` tells of`);
  }
  return problems;
}

function idsOf({ default: byDefault, assistants }: AssistantsFile): string[] {
  const all = [assistants[byDefault], ...Object.values(assistants)];
  return [...new Set(all.flatMap((assistant) => assistant?.model ?? []))];
}

function specOf(id: string, models: readonly ModelSpec[]): ModelSpec {
  return models.find((known) => known.id === id) ?? { id };
}

function refused(place: string, make: () => unknown): string[] {
  try {
    make();
    return [];
  } catch (error) {
    return [`${place}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** A folder with the file alone, where a layer lays it. */
function folderWith(file: string): string {
  const folder = FileSystem.mkdtemp('tokencast-assistants-');
  mkdirSync(join(folder, FOLDER));
  copyFileSync(file, join(folder, FOLDER, FILE));
  return folder;
}

function names(of: readonly string[]): string {
  return of.map((name) => `\`${name}\``).join(', ');
}
