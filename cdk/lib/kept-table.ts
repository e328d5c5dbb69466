/** What all tables have in common. */
import { RemovalPolicy } from 'aws-cdk-lib';
import { Attribute, AttributeType, BillingMode, ITable, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

/** What DynamoDB's TTL reads: seconds since the Unix epoch. */
const TTL = 'expiresAt';

export interface KeptTableProps {
  /** What becomes of the table when the stack goes; one that is retained is also protected from deletion. */
  readonly removalPolicy: RemovalPolicy;
  /** A key of yours that encrypts the table. @default - the account's key for DynamoDB */
  readonly encryptionKey?: IKey;
}

/** The key of a table or of an index. */
export interface TableKey {
  readonly partitionKey: Attribute;
  readonly sortKey?: Attribute;
}

/** A table whose items leave by the TTL: on demand, encrypted, restorable to any second of the last 35 days. */
export function keptTable(scope: Construct, id: string, key: TableKey, props: KeptTableProps): Table {
  return new Table(scope, id, {
    ...key,
    timeToLiveAttribute: TTL,
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    removalPolicy: props.removalPolicy,
    deletionProtection: props.removalPolicy === RemovalPolicy.RETAIN,
    encryption: props.encryptionKey ? TableEncryption.CUSTOMER_MANAGED : TableEncryption.AWS_MANAGED,
    encryptionKey: props.encryptionKey,
  });
}

/** A key of one text. */
export function textKey(name: string): TableKey {
  return { partitionKey: { name, type: AttributeType.STRING } };
}

/** Refuses a table of yours whose key, as far as it is known here, isn't `expected`; `what` names the table. */
export function checkKey(what: string, table: ITable, expected: TableKey): void {
  if (table instanceof Table) {
    checkSchema(`the ${what} table's key`, table, expected);
  }
}

/** The same for an index. */
export function checkIndex(what: string, table: ITable, index: string, expected: TableKey): void {
  if (table instanceof Table) {
    checkSchema(`the key of the ${what} table's index \`${index}\``, table, expected, index);
  }
}

function checkSchema(what: string, table: Table, expected: TableKey, index?: string): void {
  const wanted = written([expected.partitionKey], expected.sortKey ? [expected.sortKey] : []);
  const got = schemaOf(table, index);
  if (got !== wanted) {
    throw new Error(`${what} is ${got ?? 'not there'}, expected ${wanted}${expected.sortKey ? '' : ' alone'}`);
  }
}

/** The key of the table or of one of its indexes; nothing if there is no such index. */
function schemaOf(table: Table, index?: string): string | undefined {
  try {
    const { partitionKeys, sortKeys } = table.schemaV2(index);
    return written(partitionKeys, sortKeys);
  } catch (error) {
    if (index === undefined) {
      throw error;
    }
    return undefined;
  }
}

function written(partitionKeys: readonly Attribute[], sortKeys: readonly Attribute[]): string {
  return [...partitionKeys, ...sortKeys].map(({ name, type }) => `\`${name}\` (${type})`).join(' and ');
}
