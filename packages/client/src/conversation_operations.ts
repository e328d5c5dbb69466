/** The documents about conversations. */

import { STREAM_FIELDS, USED } from './operations.js';

const HEAD = `
      conversationId
      title
      lastSessionId
      turnCount
      assistant
      createdAt
      updatedAt`;

const CHANGE = `
      conversationId
      owner
      kind
      title
      sessionId
      parentId
      status
      timestamp`;

export const CONVERSATIONS = /* GraphQL */ `
  query Conversations($limit: Int, $nextToken: String) {
    conversations(limit: $limit, nextToken: $nextToken) {
      items {${HEAD}
      }
      nextToken
    }
  }
`;

export const CONVERSATION = /* GraphQL */ `
  query Conversation($id: String!, $limit: Int, $nextToken: String) {
    conversation(id: $id, limit: $limit, nextToken: $nextToken) {${HEAD}
      ${USED}
      turns {
        sessionId
        parentId
        prompt
        createdAt
        stream {${STREAM_FIELDS}
        }
      }
      nextToken
    }
  }
`;

export const EXPORT_CONVERSATION = /* GraphQL */ `
  query ExportConversation($id: String!, $format: ExportFormat!, $nextToken: String) {
    exportConversation(id: $id, format: $format, nextToken: $nextToken) {
      content
      nextToken
    }
  }
`;

export const RENAME_CONVERSATION = /* GraphQL */ `
  mutation RenameConversation($id: String!, $title: String!) {
    renameConversation(id: $id, title: $title) {${HEAD}
    }
  }
`;

export const DELETE_CONVERSATION = /* GraphQL */ `
  mutation DeleteConversation($id: String!) {
    deleteConversation(id: $id) {
      conversationId
      timestamp
    }
  }
`;

export const ON_CONVERSATION_UPDATED = /* GraphQL */ `
  subscription OnConversationUpdated($conversationId: String!) {
    onConversationUpdated(conversationId: $conversationId) {${CHANGE}
    }
  }
`;

export const ON_CONVERSATIONS_UPDATED = /* GraphQL */ `
  subscription OnConversationsUpdated($owner: String!) {
    onConversationsUpdated(owner: $owner) {${CHANGE}
    }
  }
`;
