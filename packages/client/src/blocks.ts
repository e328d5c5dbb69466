/** The blocks of an answer. */

export type BlockType = 'TEXT' | 'REASONING' | 'CITATION' | 'TOOL_USE' | 'TOOL_RESULT';

/** The source of what the answer says before it. */
export interface Citation {
  title?: string | null;
  url?: string | null;
  /** What the source says. */
  text?: string | null;
}

export interface ToolUse {
  toolUseId: string;
  name: string;
  /** JSON: of a block all that is there so far, of an event the next part. */
  input?: string | null;
}

export interface ToolResult {
  toolUseId: string;
  /** `success` or `error`. */
  status?: string | null;
  content?: string | null;
}

/** A part of an answer. `index`: 0, 1, 2 … in the order in which the blocks began. */
export type Block =
  | { index: number; type: 'TEXT'; text: string }
  /** Without text where the model keeps its reasoning to itself. */
  | { index: number; type: 'REASONING'; reasoning: string }
  | { index: number; type: 'CITATION'; citation: Citation }
  | { index: number; type: 'TOOL_USE'; toolUse: ToolUse }
  | { index: number; type: 'TOOL_RESULT'; toolResult: ToolResult };

/** What a piece of an answer says of its place: its block, and the last event in it. */
export interface Place {
  blockIndex: number;
  sequence: number;
  attempt: number;
}

/** What a piece of an answer brings. */
export type Body =
  | { type: 'text'; text: string }
  /** Empty where the model keeps its reasoning to itself: there is a block all the same. */
  | { type: 'reasoning'; text: string }
  | { type: 'citation'; citation: Citation }
  /** `input` is the next part, empty at first. */
  | { type: 'toolUse'; toolUse: ToolUse & { input: string } }
  | { type: 'toolResult'; toolResult: ToolResult };

/** The next piece of an answer. The joined `text` of all pieces of the type `text` is the answer's text. */
export type Piece = Place & Body;
