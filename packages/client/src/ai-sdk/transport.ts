/** A `ChatTransport` of the AI SDK over any client: each answer is a session, and each chat a conversation. */

import type { ChatTransport, UIMessage, UIMessageChunk } from 'ai';

import { isFunction, isText, mustBe } from '../arguments.js';
import { newSessionId, type AnswerStream, type TokencastClient } from '../client.js';
import { TokencastError } from '../errors.js';
import { isTerminal, type AnswerEvent } from '../types.js';
import { Chunks, finishReasonOf } from './chunks.js';
import { againOf, conversationIdOf, sessionIdOf } from './ids.js';
import { askedIn, messagesOf } from './messages.js';
import { readBack, sessionOfQuestion, type ReadBack } from './read_back.js';
import { knowsResetStep } from './reset_step.js';

export interface ChatTransportOptions {
  /**
   * Whether the chat takes the chunk `reset-step`, by which an answer starts again. It is found out unless it is said. Where it
   * doesn't, the stream breaks off as by a lost connection, and `resumeStream` brings the answer from its beginning.
   */
  resetStep?: boolean | undefined;
}

type SendOptions<Message extends UIMessage> = Parameters<ChatTransport<Message>['sendMessages']>[0];
type ReconnectOptions<Message extends UIMessage> = Parameters<
  ChatTransport<Message>['reconnectToStream']
>[0];

/**
 * For `useChat`, or a `Chat`. The same chat id of the same user is the same conversation, whatever page it is in.
 *
 * Stopping a chat stops the model, for everybody who listens.
 */
export class TokencastChatTransport<
  Message extends UIMessage = UIMessage,
> implements ChatTransport<Message> {
  readonly #client: TokencastClient;
  readonly #resetStep: () => Promise<boolean>;
  /** By chat: the session whose stream broke off here, and whether any of it was shown by then. */
  readonly #brokenOff = new Map<string, { sessionId: string; isShown: boolean }>();
  /** Sessions that have failed or were stopped, as was told here: who asks the same again wants another one. */
  readonly #endedEarly = new Set<string>();
  /** Whether a chat has asked how it is resumed. */
  #isAsked = false;
  /** Answers that are followed, by session, until they are over or left. */
  readonly #followed = new Map<string, Promise<void>>();
  /** By chat: how often it was resumed. */
  readonly #resumptions = new Map<string, number>();

  /** @throws `TypeError` if it is no client */
  constructor(client: TokencastClient, { resetStep }: ChatTransportOptions = {}) {
    const given = client as Partial<TokencastClient> | undefined;
    mustBe(isFunction(given?.streamPrompt), 'client', client, 'what `createClient` gives');
    this.#client = client;
    this.#resetStep = () =>
      resetStep === undefined ? knowsResetStep(() => import('ai')) : Promise.resolve(resetStep);
  }

  /** An answer that is resumed comes from its beginning. */
  get resumeStreamIsReplay(): boolean {
    this.#isAsked = true;
    return true;
  }

  /**
   * Sends the last message, or asks for another answer to it. A message that was sent before has its answer already, unless
   * that failed or was stopped.
   */
  async sendMessages({
    trigger,
    chatId,
    messages,
    abortSignal,
  }: SendOptions<Message>): Promise<ReadableStream<UIMessageChunk>> {
    const { messageId, texts, parentId } = askedIn(messages);
    const owner = await this.#client.conversations.owner();
    const conversationId = conversationIdOf(owner, chatId);
    const prompt = texts.join('\n\n');
    const isSubmitted = trigger === 'submit-message';
    const known = isSubmitted ? await this.#readBack(conversationId, messageId, prompt) : null;
    const submitted = known?.sessionId ?? sessionIdOf(owner, chatId, messageId, texts);
    const sessionId = isSubmitted ? this.#untilNow(submitted) : newSessionId();
    this.#brokenOff.delete(chatId);
    // One that is being stopped can be continued once it has ended.
    if (parentId !== null) await this.#followed.get(parentId);
    const stop = new AbortController();
    const { signal } = stop;
    const answer =
      known?.isStarted === true && known.sessionId === sessionId
        ? this.#client.resumeStream(sessionId, { signal })
        : this.#client.streamPrompt(prompt, {
            sessionId,
            conversationId,
            parentId: parentId ?? conversationId,
            signal,
          });
    onAbort(abortSignal, () => {
      stop.abort();
    });
    return this.#chunks(chatId, answer, stop.signal);
  }

  /** The answer that runs in this chat, or that broke off here; `null` if there is none. */
  async reconnectToStream({
    chatId,
    abortSignal,
  }: ReconnectOptions<Message>): Promise<ReadableStream<UIMessageChunk> | null> {
    const resumption = (this.#resumptions.get(chatId) ?? 0) + 1;
    this.#resumptions.set(chatId, resumption);
    const broken = this.#brokenOff.get(chatId);
    const sessionId = broken?.sessionId ?? (await this.#running(chatId));
    if (sessionId === null) return null;
    this.#brokenOff.delete(chatId);
    const stop = new AbortController();
    const answer = this.#client.resumeStream(sessionId, { signal: stop.signal });
    const leave = new AbortController();
    onAbort(abortSignal, () => {
      // A chat that resumes once more ends the resumption before, which is no stop.
      setTimeout(() => {
        if (this.#resumptions.get(chatId) === resumption) stop.abort();
        else leave.abort();
      });
    });
    this.#isAsked = false;
    return this.#chunks(chatId, answer, stop.signal, leave.signal, broken?.isShown);
  }

  /** What there is of a chat, as messages to begin it with: the branch with the newest turn. */
  async messages(chatId: string): Promise<Message[]> {
    const conversationId = await this.conversationId(chatId);
    const conversation = await this.#client.conversations.getAll(conversationId);
    // They have what every message has. The metadata of one that failed or was stopped is ours.
    return conversation === null ? [] : (messagesOf(conversation) as Message[]);
  }

  /** The conversation of a chat, for `client.conversations`. */
  async conversationId(chatId: string): Promise<string> {
    mustBe(isText(chatId), 'chatId', chatId, 'a string');
    return conversationIdOf(await this.#client.conversations.owner(), chatId);
  }

  /** The session of a question now: the next one, if those until now have failed or were stopped. */
  #untilNow(submitted: string): string {
    let sessionId = submitted;
    while (this.#endedEarly.has(sessionId)) sessionId = againOf(sessionId);
    return sessionId;
  }

  /** The session of a question that comes back as `messages` gave it; `null` for any other. */
  async #readBack(
    conversationId: string,
    messageId: string,
    prompt: string,
  ): Promise<ReadBack | null> {
    const named = sessionOfQuestion(messageId);
    if (named === null) return null;
    const conversation = await this.#client.conversations.getAll(conversationId);
    return conversation === null ? null : readBack(conversation, named, prompt);
  }

  async #running(chatId: string): Promise<string | null> {
    const conversationId = await this.conversationId(chatId);
    const conversation = await this.#client.conversations.get(conversationId, { limit: 1 });
    const sessionId = conversation?.lastSessionId ?? null;
    if (sessionId === null) return null;
    const stream = await this.#client.getStream(sessionId);
    return stream === null || isTerminal(stream.status) ? null : sessionId;
  }

  #chunks(
    chatId: string,
    answer: AnswerStream,
    stop: AbortSignal,
    leave?: AbortSignal,
    isShown = false,
  ): ReadableStream<UIMessageChunk> {
    const events = answer[Symbol.asyncIterator]();
    let isRead = true;
    const goAway = (): void => {
      void events.return?.();
    };
    onAbort(leave, goAway);
    const chunks = new Chunks(answer.sessionId);
    const read = async (tell: (chunk: UIMessageChunk) => void): Promise<void> => {
      if (isShown && !(await this.#knowsReplays())) throw new Shown();
      for (;;) {
        const next = await events.next();
        if (next.done === true) return;
        for (const chunk of await this.#told(answer.sessionId, next.value, chunks))
          if (isRead) tell(chunk);
      }
    };
    return new ReadableStream<UIMessageChunk>({
      start: (controller) => {
        const reading = read((chunk) => {
          controller.enqueue(chunk);
        });
        this.#follow(answer.sessionId, reading);
        reading.then(
          () => {
            if (isRead) controller.close();
          },
          (error: unknown) => {
            const isLost = error instanceof Broken || isConnection(error);
            const { sessionId } = answer;
            if (isLost) this.#brokenOff.set(chatId, { sessionId, isShown: chunks.hasContent });
            if (error instanceof Shown) this.#brokenOff.set(chatId, { sessionId, isShown: false });
            goAway();
            if (isRead) controller.error(isLost ? networkError(error) : error);
          },
        );
      },
      cancel: () => {
        isRead = false;
        // What is being stopped is followed until it is over. By then a stop that is told on a later turn is known, too.
        setTimeout(() => {
          if (!stop.aborted) goAway();
        });
      },
    });
  }

  /** Whether the chat that has resumed takes what comes for a replay: it has asked by the next turn. */
  async #knowsReplays(): Promise<boolean> {
    await new Promise<void>((resolve) => setTimeout(resolve));
    return this.#isAsked;
  }

  #follow(sessionId: string, reading: Promise<void>): void {
    const followed = reading.then(nothing, nothing);
    this.#followed.set(sessionId, followed);
    void followed.then(() => {
      if (this.#followed.get(sessionId) === followed) this.#followed.delete(sessionId);
    });
  }

  async #told(sessionId: string, event: AnswerEvent, chunks: Chunks): Promise<UIMessageChunk[]> {
    switch (event.type) {
      case 'started':
        return chunks.begin();
      case 'text':
      case 'reasoning':
      case 'citation':
      case 'toolUse':
      case 'toolResult':
        return chunks.piece(event);
      case 'restarted':
        if (!chunks.hasContent) return [];
        if (await this.#resetStep()) return chunks.reset();
        throw new Broken('the answer starts again');
      case 'completed': {
        const finishReason = finishReasonOf(event.stopReason);
        return [...chunks.end(), { type: 'finish-step' }, { type: 'finish', finishReason }];
      }
      case 'cancelled':
        this.#endedEarly.add(sessionId);
        return [...chunks.end(), { type: 'finish-step' }, { type: 'abort' }];
      case 'failed':
        this.#endedEarly.add(sessionId);
        return [...chunks.end(), { type: 'error', errorText: event.message }];
      case 'status':
      case 'reconnecting':
      case 'reconnected':
        return [];
    }
  }
}

function nothing(): void {
  // It is told elsewhere how it ended.
}

class Broken extends Error {}

/**
 * The hook of `ai` 6 forgets of a transport among its options that a resumed answer is a replay, and would show what it has
 * shown already once more. After an error that is no lost connection it begins anew.
 */
class Shown extends Error {
  override readonly name = 'ResumeAgainError';

  constructor() {
    super('The connection to the answer was lost: resume once more, or hand `useChat` a `Chat`');
  }
}

function isConnection(error: unknown): boolean {
  return (
    error instanceof TokencastError && (error.kind === 'connection' || error.kind === 'gaveUp')
  );
}

/** By type and words a chat knows that a connection was lost, so that it may resume. */
function networkError(cause: unknown): TypeError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new TypeError(`network error: ${message}`, { cause });
}

function onAbort(signal: AbortSignal | undefined, callback: () => void): void {
  if (signal?.aborted === true) callback();
  else signal?.addEventListener('abort', callback, { once: true });
}
