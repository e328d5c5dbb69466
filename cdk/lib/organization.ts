/** What an organization asks of each function and role that is made for it. */
import { Validations } from 'aws-cdk-lib';
import { IManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnFunction, ILayerVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

export interface OrganizationProps extends RoleProps {
  /** The part of a VPC that every function runs in: see docs/DEPLOY.md for what it has to reach. @default - none */
  readonly vpc?: VpcPart;
  /** The certificate authorities that every function trusts, in place of the public ones. @default - the public ones */
  readonly caBundle?: CaBundle;
}

export interface RoleProps {
  /** The permissions boundary of every role. @default - none */
  readonly permissionsBoundary?: IManagedPolicy;
  /** The path of every role, with a `/` at both ends. @default '/' */
  readonly rolePath?: string;
}

/** Lambda asks for no VPC, but for subnets and security groups of one. */
export interface VpcPart {
  /** Private subnets, in several availability zones, with a way out through a NAT gateway. */
  readonly subnetIds: readonly string[];
  /** They have to let HTTPS out. */
  readonly securityGroupIds: readonly string[];
}

/** A file of certificates in PEM, which a Lambda layer brings. */
export interface CaBundle {
  readonly layer: ILayerVersion;
  /** Where the layer has it. @default '/opt/ca-bundle.pem' */
  readonly path?: string;
}

/** A role's path: a `/` at both ends. */
export const ROLE_PATH = /^\/([!-.0-~]+\/)*$/;

/** What Lambda does with a function's role to join the function to a VPC. */
export const JOIN_VPC = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

/** A role that a service of AWS assumes, as the organization wants roles to be. */
export function serviceRole(
  scope: Construct,
  id: string,
  service: string,
  { permissionsBoundary, rolePath }: RoleProps,
): Role {
  if (rolePath !== undefined && !ROLE_PATH.test(rolePath)) {
    throw new Error(
      `\`rolePath\` is \`${rolePath}\`, expected a path with a \`/\` at both ends, such as \`/teams/chat/\``,
    );
  }
  return new Role(scope, id, { assumedBy: new ServicePrincipal(service), permissionsBoundary, path: rolePath });
}

/** Lets Lambda join the functions of this role to a VPC. */
export function permitVpc(role: Role): void {
  role.addToPolicy(new PolicyStatement({ actions: JOIN_VPC, resources: ['*'] }));
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason:
      'Lambda makes and removes network interfaces whose ids nobody knows beforehand, and describing them takes no resource ' +
      "but `*`; nor do X-Ray's PutTraceSegments and PutTelemetryRecords.",
  });
}

/** The VPC's part as CloudFormation has it. */
export function vpcConfig({ subnetIds, securityGroupIds }: VpcPart): CfnFunction.VpcConfigProperty {
  if (subnetIds.length === 0 || securityGroupIds.length === 0) {
    throw new Error('`vpc` needs at least one subnet and one security group');
  }
  return { subnetIds: [...subnetIds], securityGroupIds: [...securityGroupIds] };
}

/** What a function reads to trust the bundle. */
export function trustEnvironment(caBundle?: CaBundle): Record<string, string> {
  return caBundle ? { AWS_CA_BUNDLE: caBundle.path ?? '/opt/ca-bundle.pem' } : {};
}
