/** The table of sessions. */
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ITable, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

/** The partition key: a text. */
export const SESSION_KEY = 'sessionId';

/** What DynamoDB's TTL reads: seconds since the Unix epoch. */
const TTL = 'expiresAt';

export interface KeptTableProps {
  /** What becomes of the table when the stack goes; one that is retained is also protected from deletion. */
  readonly removalPolicy: RemovalPolicy;
  /** A key of yours that encrypts the table. @default - the account's key for DynamoDB */
  readonly encryptionKey?: IKey;
}

/** One item a session, on demand, encrypted, restorable to any second of the last 35 days. */
export class SessionsTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: KeptTableProps) {
    super(scope, id);
    this.table = keptTable(this, 'Table', SESSION_KEY, props);
  }
}

/** A table whose items are found by one text, and leave by the TTL. */
export function keptTable(scope: Construct, id: string, key: string, props: KeptTableProps): Table {
  return new Table(scope, id, {
    partitionKey: { name: key, type: AttributeType.STRING },
    timeToLiveAttribute: TTL,
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    removalPolicy: props.removalPolicy,
    deletionProtection: props.removalPolicy === RemovalPolicy.RETAIN,
    encryption: props.encryptionKey ? TableEncryption.CUSTOMER_MANAGED : TableEncryption.AWS_MANAGED,
    encryptionKey: props.encryptionKey,
  });
}

/** Refuses a table of yours whose key, as far as it is known here, isn't a session's. */
export function checkOwnTable(table: ITable): void {
  if (!(table instanceof Table)) {
    return;
  }
  const { partitionKeys, sortKeys } = table.schemaV2();
  const got = [...partitionKeys, ...sortKeys].map(({ name, type }) => `\`${name}\` (${type})`).join(', ');
  if (got !== `\`${SESSION_KEY}\` (${AttributeType.STRING})`) {
    throw new Error(`the sessions table's key is ${got}, expected \`${SESSION_KEY}\` (S) alone`);
  }
}
