/** The conversations of a fake API: kept in memory, answered as a test scripts it. */

import { randomUUID } from 'node:crypto';

export type Piece =
  | { text: string }
  | { reasoning: string }
  | { citation: { title?: string; url?: string; text?: string } };

export interface Script {
  pieces: Piece[];
  /** Says no more than so many pieces until it is released. */
  holdAfter?: number;
  /** Between two pieces. */
  betweenMs?: number;
  usage?: Record<string, number>;
  /** Ends with this failure's code. */
  fails?: string;
}

export class Refusal extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`refused: ${code}`);
    this.code = code;
  }
}

interface Rule extends Script {
  part: string;
  released: Promise<void>;
  release: () => void;
}

interface Block {
  index: number;
  type: string;
  text?: string;
  reasoning?: string;
  citation?: object;
}

interface Turn {
  sessionId: string;
  parentId: string | null;
  prompt: string;
  createdAt: string;
  stopped: boolean;
  stream: Stream;
}

interface Stream {
  sessionId: string;
  status: string;
  text: string;
  blocks: Block[];
  reasoningMs: number | null;
  sequence: number;
  attempt: number;
  stopReason: string | null;
  usage: Record<string, number> | null;
  error: { code: string; message: string; retryable: boolean } | null;
  waiting: null;
}

interface Conversation {
  conversationId: string;
  owner: string;
  title: string;
  lastSessionId: string | null;
  createdAt: string;
  updatedAt: string;
  deleted: boolean;
  turns: Turn[];
}

type Variables = Record<string, unknown>;
/** Of characters: as the functions bound its bytes. */
const MAX_PROMPT = 100_000;
const OVER = new Set(['COMPLETED', 'FAILED', 'CANCELLED']);
const USAGE = { inputTokens: 7, outputTokens: 6, totalTokens: 13 };

export class FakeConversations {
  readonly #all = new Map<string, Conversation>();
  readonly #rules: Rule[] = [];
  readonly #publish: (field: string, event: Record<string, unknown>) => void;
  #now = Date.now();

  constructor(publish: (field: string, event: Record<string, unknown>) => void) {
    this.#publish = publish;
  }

  script(part: string, script: Script): void {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#rules.push({ ...script, part, released, release });
  }

  release(part: string): void {
    for (const rule of this.#rules) if (rule.part === part) rule.release();
  }

  /** A conversation that is there already, with one turn after the other. */
  add(owner: string, title: string, turns: { prompt: string; text: string }[], ageMs = 0): string {
    const conversation = this.#begin(randomUUID(), owner, title);
    conversation.createdAt = conversation.updatedAt = new Date(Date.now() - ageMs).toISOString();
    let parentId: string | null = null;
    for (const { prompt, text } of turns) {
      const turn = this.#turn(conversation, randomUUID(), parentId, prompt);
      Object.assign(turn.stream, {
        status: 'COMPLETED',
        text,
        sequence: 1,
        stopReason: 'end_turn',
      });
      turn.stream.blocks = [{ index: 0, type: 'TEXT', text }];
      turn.stream.usage = USAGE;
      parentId = turn.sessionId;
    }
    return conversation.conversationId;
  }

  mayHear(field: string, variables: Variables, owner: string): void {
    if (field === 'onConversationsUpdated' && variables.owner !== owner) {
      throw new Refusal('UNAUTHORIZED');
    }
    if (field === 'onConversationUpdated') {
      if (!this.#find(variables.conversationId, owner)) throw new Refusal('CONVERSATION_NOT_FOUND');
    }
  }

  answerTo(field: string, variables: Variables, owner: string): unknown {
    const { id, sessionId, limit = 20, nextToken } = variables;
    const from = Number(nextToken ?? 0);
    const to = from + Number(limit);
    switch (field) {
      case 'conversations': {
        const all = [...this.#all.values()]
          .filter((one) => one.owner === owner && !one.deleted)
          .sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1));
        return {
          items: all.slice(from, to).map(head),
          nextToken: to < all.length ? String(to) : null,
        };
      }
      case 'conversation': {
        const found = this.#find(id, owner);
        if (!found) return null;
        const { turns } = found;
        const next = to < turns.length ? String(to) : null;
        return { ...head(found), turns: turns.slice(from, to), nextToken: next };
      }
      case 'exportConversation': {
        const found = this.#find(id, owner);
        if (!found) return null;
        const whole =
          variables.format === 'JSON'
            ? JSON.stringify({ title: found.title, turns: found.turns })
            : `# ${found.title}\n\n${found.turns.map(({ stream }) => stream.text).join('\n\n')}`;
        // In two pieces.
        const half = Math.ceil(whole.length / 2);
        return from === 0
          ? { content: whole.slice(0, half), nextToken: '1' }
          : { content: whole.slice(half), nextToken: null };
      }
      case 'renameConversation': {
        const found = this.#find(id, owner);
        if (!found) throw new Refusal('CONVERSATION_NOT_FOUND');
        found.title = String(variables.title);
        this.#tell(found, 'RENAMED', { title: found.title });
        return head(found);
      }
      case 'deleteConversation': {
        const found = this.#all.get(String(id));
        if (found?.owner !== owner) throw new Refusal('CONVERSATION_NOT_FOUND');
        found.deleted = true;
        for (const turn of found.turns) turn.stopped = true;
        this.#tell(found, 'DELETED', {});
        return { conversationId: found.conversationId, timestamp: this.#time() };
      }
      case 'startStream':
        return this.#start(variables, owner);
      case 'stopStream':
      case 'getStream': {
        const turn = this.#session(sessionId, owner);
        if (field === 'getStream') return turn?.stream ?? null;
        if (turn) turn.stopped = true;
        return { sessionId, status: turn?.stream.status, timestamp: this.#time() };
      }
      default:
        throw new Refusal(`the fake knows no ${field}`);
    }
  }

  #find(id: unknown, owner: string): Conversation | undefined {
    const found = this.#all.get(String(id));
    return found?.owner === owner && !found.deleted ? found : undefined;
  }

  #session(sessionId: unknown, owner: string): Turn | undefined {
    return [...this.#all.values()]
      .filter((one) => one.owner === owner && !one.deleted)
      .flatMap(({ turns }) => turns)
      .find((turn) => turn.sessionId === sessionId);
  }

  #begin(conversationId: string, owner: string, title: string): Conversation {
    const at = this.#time();
    const conversation: Conversation = {
      ...{ conversationId, owner, title, lastSessionId: null },
      ...{ createdAt: at, updatedAt: at, deleted: false, turns: [] },
    };
    this.#all.set(conversationId, conversation);
    return conversation;
  }

  #turn(
    conversation: Conversation,
    sessionId: string,
    parentId: string | null,
    prompt: string,
  ): Turn {
    const stream: Stream = {
      ...{ sessionId, status: 'QUEUED', text: '', blocks: [], reasoningMs: null },
      ...{ sequence: 0, attempt: 1, stopReason: null, usage: null, error: null, waiting: null },
    };
    const createdAt = this.#time();
    const turn: Turn = { sessionId, parentId, prompt, createdAt, stopped: false, stream };
    conversation.turns.push(turn);
    conversation.lastSessionId = sessionId;
    return turn;
  }

  #start(variables: Variables, owner: string): unknown {
    const { conversationId, parentId, prompt } = variables;
    const id = String(conversationId);
    const sessionId = String(variables.sessionId);
    const answer = { sessionId, status: 'streaming_started', conversationId };
    if (String(prompt).length > MAX_PROMPT) throw new Refusal('INVALID_PROMPT');
    if (this.#all.get(id)?.deleted === true) throw new Refusal('CONVERSATION_DELETED');
    const found = this.#find(id, owner) ?? this.#begin(id, owner, String(prompt).slice(0, 60));
    if (this.#session(sessionId, owner)) return answer;
    const over = found.turns.findLast(({ stream }) => OVER.has(stream.status));
    const given = parentId === id ? null : (parentId ?? over?.sessionId ?? null);
    const turn = this.#turn(found, sessionId, given as string | null, String(prompt));
    found.updatedAt = turn.createdAt;
    this.#tell(found, 'TURN_STARTED', { sessionId, parentId: given, status: 'QUEUED' });
    void this.#run(found, turn);
    return { ...answer, parentId: given };
  }

  async #run(conversation: Conversation, turn: Turn): Promise<void> {
    const { stream, sessionId } = turn;
    const rule = this.#rules.findLast(({ part }) => turn.prompt.includes(part));
    stream.status = 'STREAMING';
    for (const [at, piece] of (rule?.pieces ?? []).entries()) {
      if (at === rule?.holdAfter) await Promise.race([rule.released, stopped(turn)]);
      if (turn.stopped) break;
      this.#say(stream, piece);
      await pause(rule?.betweenMs ?? 0);
    }
    if (rule?.holdAfter === rule?.pieces.length) await rule?.released;
    const { fails } = rule ?? { fails: 'MODEL_ERROR' };
    const status = turn.stopped ? 'CANCELLED' : fails === undefined ? 'COMPLETED' : 'FAILED';
    const error = { code: fails ?? '', message: 'The model failed', retryable: true };
    Object.assign(stream, {
      status,
      sequence: stream.sequence + 1,
      stopReason: status === 'COMPLETED' ? 'end_turn' : null,
      usage: rule?.usage ?? USAGE,
      error: status === 'FAILED' ? error : null,
    });
    this.#publish('onTokenReceived', { ...stream, token: '', isComplete: true });
    if (!conversation.deleted) this.#tell(conversation, 'TURN_ENDED', { sessionId, status });
  }

  #say(stream: Stream, piece: Piece): void {
    const type = 'text' in piece ? 'TEXT' : 'reasoning' in piece ? 'REASONING' : 'CITATION';
    const last = stream.blocks.at(-1);
    const goesOn = last?.type === type && type !== 'CITATION';
    const block: Block = goesOn ? last : { index: stream.blocks.length, type };
    if (!goesOn) stream.blocks.push(block);
    const token = 'text' in piece ? piece.text : '';
    if ('text' in piece) block.text = (block.text ?? '') + piece.text;
    if ('reasoning' in piece) block.reasoning = (block.reasoning ?? '') + piece.reasoning;
    if ('citation' in piece) block.citation = piece.citation;
    if (type === 'REASONING') stream.reasoningMs = 12_000;
    stream.text += token;
    stream.sequence += 1;
    const place = { sequence: stream.sequence, attempt: 1, status: 'STREAMING' };
    const event = { ...place, token, isComplete: false, blockIndex: block.index, blockType: type };
    const { sessionId } = stream;
    this.#publish('onTokenReceived', { timestamp: this.#time(), ...piece, ...event, sessionId });
  }

  #tell({ conversationId, owner }: Conversation, kind: string, more: object): void {
    const none = { title: null, sessionId: null, parentId: null, status: null };
    const event = { conversationId, owner, kind, ...none, ...more, timestamp: this.#time() };
    this.#publish('onConversationUpdated', event);
    this.#publish('onConversationsUpdated', event);
  }

  /** Each a millisecond after the one before. */
  #time(): string {
    this.#now = Math.max(this.#now + 1, Date.now());
    return new Date(this.#now).toISOString();
  }
}

function head({ conversationId, title, lastSessionId, turns, ...times }: Conversation): object {
  const { createdAt, updatedAt } = times;
  return { conversationId, title, lastSessionId, turnCount: turns.length, createdAt, updatedAt };
}

function stopped(turn: Turn): Promise<void> {
  return new Promise((resolve) => {
    const look = setInterval(() => {
      if (!turn.stopped) return;
      clearInterval(look);
      resolve();
    }, 10);
  });
}

function pause(ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
