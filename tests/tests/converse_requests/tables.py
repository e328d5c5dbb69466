"""Reads the items of a conversation, and the records of its sessions, by the AWS SDK for Python."""

import json
import os
import sys

import botocore.session


def main() -> None:
    """Prints the items as JSON. Arguments: the two tables, and the conversation's id."""
    conversations, sessions, conversation_id = sys.argv[1:]
    client = botocore.session.get_session().create_client(
        'dynamodb',
        endpoint_url=os.environ['AWS_ENDPOINT_URL'],
        region_name=os.environ['AWS_REGION'],
    )
    items = []
    for page in client.get_paginator('query').paginate(
        TableName=conversations,
        ConsistentRead=True,
        KeyConditionExpression='conversationId = :id',
        ExpressionAttributeValues={':id': {'S': conversation_id}},
        # Two pages, where a conversation has one turn.
        PaginationConfig={'PageSize': 2},
    ):
        items.extend(page['Items'])
    turns = [item['sessionId'] for item in items if item['item']['S'].startswith('turn#')]
    records = [
        client.get_item(TableName=sessions, Key={'sessionId': turn}, ConsistentRead=True)['Item']
        for turn in turns
    ]
    # Bytes are shown by their length.
    print(json.dumps({'items': items, 'records': records}, default=len))


main()
