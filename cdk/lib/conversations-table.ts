/** The table of conversations. */
import { AttributeType, ITable, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

import { checkIndex, checkKey, keptTable, KeptTableProps, TableKey } from './kept-table';

/** A conversation's items are its head, the heads of its turns, and the turns' prompts in parts. */
const KEY: TableKey = {
  partitionKey: { name: 'conversationId', type: AttributeType.STRING },
  sortKey: { name: 'item', type: AttributeType.STRING },
};

/** The owner's list, by the time of the last turn in milliseconds. Only a conversation's head has these two attributes. */
const OWNER_INDEX_KEY: TableKey = {
  partitionKey: { name: 'listOwner', type: AttributeType.STRING },
  sortKey: { name: 'listedAt', type: AttributeType.NUMBER },
};

const OWNER_INDEX = 'byOwner';

export class ConversationsTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: KeptTableProps) {
    super(scope, id);
    this.table = keptTable(this, 'Table', KEY, props);
    this.table.addGlobalSecondaryIndex({
      indexName: OWNER_INDEX,
      ...OWNER_INDEX_KEY,
      projectionType: ProjectionType.ALL,
    });
  }
}

/** Refuses a table of yours whose key or index, as far as they are known here, isn't that of conversations. */
export function checkConversationsTable(table: ITable): void {
  checkKey('conversations', table, KEY);
  checkIndex('conversations', table, OWNER_INDEX, OWNER_INDEX_KEY);
}

/** The ARN of the index that has an owner's list. A table that was imported by its name doesn't know its indexes. */
export function ownerIndexArn(table: ITable): string {
  return `${table.tableArn}/index/${OWNER_INDEX}`;
}
