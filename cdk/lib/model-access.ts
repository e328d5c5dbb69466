/** Which models a worker may ask, as IAM statements that name each of them. */
import { Arn, ArnFormat, Aws } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** A model or inference profile, and what can't be read from its name. */
export interface ModelSpec {
  /** A model's id or ARN, or an inference profile's id or ARN. */
  readonly id: string;
  /** The Regions that an inference profile may send a prompt to. @default - those of its geography */
  readonly regions?: readonly string[];
  /** The ARNs of the models behind an application inference profile. @default - read from the profile's name */
  readonly modelArns?: readonly string[];
}

/**
 * The Regions of each geography. A profile leads to some of them; a Region too many permits nothing, because a model may
 * be asked through its profile alone.
 */
const GEOGRAPHIES: Readonly<Record<string, readonly string[]>> = {
  us: ['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2'],
  'us-gov': ['us-gov-east-1', 'us-gov-west-1'],
  ca: ['ca-central-1', 'ca-west-1'],
  eu: ['eu-central-1', 'eu-central-2', 'eu-north-1', 'eu-south-1', 'eu-south-2', 'eu-west-1', 'eu-west-2', 'eu-west-3'],
  apac: [
    'ap-northeast-1',
    'ap-northeast-2',
    'ap-northeast-3',
    'ap-south-1',
    'ap-south-2',
    'ap-southeast-1',
    'ap-southeast-2',
    'ap-southeast-3',
    'ap-southeast-4',
  ],
  jp: ['ap-northeast-1', 'ap-northeast-3'],
  au: ['ap-southeast-2', 'ap-southeast-4'],
  // Any Region, named by leaving the Region out.
  global: [''],
};

/** Kinds of ARN that stand for one model by themselves. */
const MODEL_KINDS = ['foundation-model', 'provisioned-model', 'custom-model-deployment', 'imported-model'];

/** ConverseStream is authorized by the action of InvokeModelWithResponseStream. */
const ACTION = 'bedrock:InvokeModelWithResponseStream';

/** The statements that permit `spec` and nothing else. */
export function modelStatements(spec: ModelSpec): PolicyStatement[] {
  const { id } = spec;
  if (!/^[A-Za-z0-9][A-Za-z0-9.:/_-]*$/.test(id)) {
    throw new Error(`\`${id}\` is not the id or ARN of a model or inference profile`);
  }
  if (id.startsWith('arn:')) {
    return byArn(spec);
  }
  if (isProfileName(spec, id)) {
    return throughProfile(bedrockArn('inference-profile', id), behindProfile(spec, id));
  }
  if (!/^[a-z0-9-]+(\.[a-z0-9:-]+)+$/i.test(id)) {
    throw new Error(`\`${id}\` is no model's id, such as \`amazon.nova-lite-v1:0\``);
  }
  return [allow([foundationModel(id, Aws.REGION)])];
}

function byArn(spec: ModelSpec): PolicyStatement[] {
  const { id } = spec;
  const [kind, name] = (id.split(':').slice(5).join(':') || '').split(/\/(.*)/s);
  if (!/^arn:[a-z-]+:bedrock:[a-z0-9-]+:\d*:[a-z-]+\/.+$/.test(id) || kind === undefined || !name) {
    throw new Error(`\`${id}\` is not the ARN of a Bedrock model or inference profile`);
  }
  if (MODEL_KINDS.includes(kind)) {
    return [allow([id])];
  }
  if (kind === 'inference-profile') {
    return throughProfile(id, behindProfile(spec, name));
  }
  if (kind === 'application-inference-profile') {
    if (!spec.modelArns?.length) {
      throw new Error(
        `the models behind \`${id}\` must be given (\`modelArns\`): ` +
          '`aws bedrock get-inference-profile` lists them as `models`',
      );
    }
    return throughProfile(id, [...spec.modelArns]);
  }
  throw new Error(`\`${id}\` is a \`${kind}\`, expected a model or an inference profile`);
}

/** Whether a profile's name doesn't say where it leads, or to which models. */
export function needsDetails({ id }: Pick<ModelSpec, 'id'>): boolean {
  const [kind, name = ''] = id.startsWith('arn:')
    ? id
        .split(':')
        .slice(5)
        .join(':')
        .split(/\/(.*)/s)
    : ['', id];
  const [geography = ''] = name.split('.');
  return (
    kind === 'application-inference-profile' ||
    (!(geography in GEOGRAPHIES) && (kind === 'inference-profile' || (kind === '' && isProfileName({ id }, id))))
  );
}

/** The models that a system-defined profile stands for, in the Region of the call and in those it leads to. */
function behindProfile({ id, regions, modelArns }: ModelSpec, name: string): string[] {
  if (modelArns?.length) {
    return [...modelArns];
  }
  const [geography = '', ...model] = name.split('.');
  const destinations = regions ?? GEOGRAPHIES[geography];
  if (destinations === undefined) {
    throw new Error(`the Regions that \`${id}\` leads to must be given (\`regions\`)`);
  }
  return [Aws.REGION, ...destinations].map((region) => foundationModel(model.join('.'), region));
}

function isProfileName({ regions }: ModelSpec, id: string): boolean {
  const [geography = '', provider, model] = id.split('.');
  const looksLikeGeography = geography in GEOGRAPHIES || /^[a-z]{2}$/.test(geography) || regions !== undefined;
  return looksLikeGeography && Boolean(provider) && Boolean(model);
}

function throughProfile(profileArn: string, modelArns: string[]): PolicyStatement[] {
  for (const arn of modelArns) {
    if (arn.includes('*')) {
      throw new Error(`\`${arn}\` has a wildcard, expected the ARN of one model`);
    }
  }
  const models = allow(modelArns);
  models.addCondition('StringEquals', { 'bedrock:InferenceProfileArn': profileArn });
  return [allow([profileArn]), models];
}

function allow(resources: string[]): PolicyStatement {
  return new PolicyStatement({ actions: [ACTION], resources });
}

function foundationModel(id: string, region: string): string {
  return `arn:${Aws.PARTITION}:bedrock:${region}::foundation-model/${id}`;
}

function bedrockArn(resource: string, resourceName: string): string {
  return Arn.format({
    partition: Aws.PARTITION,
    service: 'bedrock',
    region: Aws.REGION,
    account: Aws.ACCOUNT_ID,
    resource,
    resourceName,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}
