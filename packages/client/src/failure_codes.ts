/** The closed set of failure codes, the same in every language of the repository: docs/ARCHITECTURE.md, "Failures". */

/** Whether the same may well succeed when it is tried again. */
export const RETRYABLE: Readonly<Record<string, boolean>> = {
  INVALID_PROMPT: false,
  UNAUTHORIZED: false,
  THROTTLED: true,
  MODEL_ERROR: true,
  MODEL_STALLED: true,
  MODEL_UNAVAILABLE: false,
  DEADLINE: false,
  PUBLISH_FAILED: true,
  QUOTA_EXCEEDED: false,
  INTERNAL: true,
  INVALID_ARGUMENT: false,
  CONVERSATION_NOT_FOUND: false,
  CONVERSATION_DELETED: false,
  CONVERSATION_FULL: false,
  PARENT_IS_SELF: false,
  PARENT_NOT_STARTED: false,
  PARENT_NOT_ENDED: false,
  PARENT_DELETED: false,
  PARENT_NOT_IN_CONVERSATION: false,
};
