/** Who may sign in. */
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import {
  AccountRecovery,
  FeaturePlan,
  IUserPool,
  Mfa,
  StandardThreatProtectionMode,
  UserPool,
  UserPoolClient,
} from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';

export interface UsersProps {
  /** Whether anyone may sign up; else an administrator makes the users. @default false */
  readonly selfSignUp?: boolean;
  /** Whether a second factor, an authenticator app, may or must be used. @default Mfa.OPTIONAL */
  readonly mfa?: Mfa;
  /** Cognito's paid plan, with threat protection enforced. @default false */
  readonly threatProtection?: boolean;
  /** What becomes of the pool when the stack goes; one that is retained is also protected. @default RETAIN */
  readonly removalPolicy?: RemovalPolicy;
}

/** A user pool where people sign in by e-mail, and an app client for browsers. */
export class Users extends Construct {
  readonly userPool: UserPool;
  readonly client: UserPoolClient;

  constructor(scope: Construct, id: string, props: UsersProps = {}) {
    super(scope, id);
    const { selfSignUp = false, mfa = Mfa.OPTIONAL, threatProtection = false } = props;
    const { removalPolicy = RemovalPolicy.RETAIN } = props;
    this.userPool = new UserPool(this, 'Pool', {
      selfSignUpEnabled: selfSignUp,
      signInAliases: { email: true },
      signInCaseSensitive: false,
      autoVerify: { email: true },
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      mfa,
      mfaSecondFactor: mfa === Mfa.OFF ? undefined : { otp: true, sms: false },
      passwordPolicy: {
        minLength: 12,
        requireLowercase: true,
        requireUppercase: true,
        requireDigits: true,
        requireSymbols: true,
        tempPasswordValidity: Duration.days(3),
      },
      featurePlan: threatProtection ? FeaturePlan.PLUS : FeaturePlan.ESSENTIALS,
      standardThreatProtectionMode: threatProtection ? StandardThreatProtectionMode.FULL_FUNCTION : undefined,
      removalPolicy,
      deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
    });
    this.client = browserClient(this, 'Client', this.userPool);
    if (mfa !== Mfa.REQUIRED) {
      Validations.of(this.userPool).acknowledge({
        id: 'AwsSolutions-COG2',
        reason: "Whether a second factor is required is the deployer's choice (`mfa`); by default users may add one.",
      });
    }
    if (!threatProtection) {
      const reason = "Threat protection needs Cognito's paid plan: the deployer's choice (`threatProtection`).";
      Validations.of(this.userPool).acknowledge(
        { id: 'AwsSolutions-COG3', reason },
        { id: 'AwsSolutions-COG8', reason },
      );
    }
  }
}

/** An app client without a secret, for SRP and refreshing alone: no password ever leaves the browser. */
export function browserClient(scope: Construct, id: string, userPool: IUserPool): UserPoolClient {
  return new UserPoolClient(scope, id, {
    userPool,
    generateSecret: false,
    authFlows: { userSrp: true },
    disableOAuth: true,
    preventUserExistenceErrors: true,
    enableTokenRevocation: true,
    accessTokenValidity: Duration.hours(1),
    idTokenValidity: Duration.hours(1),
    refreshTokenValidity: Duration.days(30),
  });
}
