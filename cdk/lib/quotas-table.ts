/** The table of what users have used. */
import { AttributeType, ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

import { checkKey, keptTable, KeptTableProps, TableKey } from './kept-table';
import { TokenStreamProps } from './token-stream-props';

/** An owner's items are one for each day (UTC) with what was used and is reserved, and what an administrator has changed. */
const KEY: TableKey = {
  partitionKey: { name: 'owner', type: AttributeType.STRING },
  sortKey: { name: 'day', type: AttributeType.STRING },
};

export class QuotasTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: KeptTableProps) {
    super(scope, id);
    this.table = keptTable(this, 'Table', KEY, props);
  }
}

/** The table that the quotas need: yours, or one that is made. */
export function quotasTable(scope: Construct, props: TokenStreamProps, kept: KeptTableProps): ITable | undefined {
  const { quotas, quotasTable: own } = props;
  if (!quotas) {
    if (own) {
      throw new Error('`quotasTable` is set, but `quotas` is not');
    }
    return undefined;
  }
  if (own) {
    checkKey('quotas', own, KEY);
  }
  return own ?? new QuotasTable(scope, 'Quotas', kept).table;
}
