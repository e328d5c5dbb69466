/** OpenAI's and AG-UI's packages in a page of another origin than the Function URL, for a test to call. */

import { HttpAgent } from '@ag-ui/client';
import OpenAI from 'openai';

import { settingsOf } from './settings';

export interface Refusal {
  status: number | undefined;
  code: string | null | undefined;
  /** The headers that a page may read, by name. */
  headers: Record<string, string>;
}

export interface Clients {
  /** The text of a streamed completion, and the id by which the package names the response. */
  complete(prompt: string, key?: string): Promise<{ text: string; requestId: string | null }>;
  /** The error of a completion. */
  refused(prompt: string, model?: string): Promise<Refusal>;
  /** The names of the models. */
  models(): Promise<string[]>;
  /** The answer of a run. */
  run(prompt: string): Promise<string>;
  /** A plain request: its status, and the headers that a page may read. */
  request(method: string, path: string): Promise<Refusal>;
}

declare global {
  interface Window {
    clients: Clients;
  }
}

const { token, streamUrl, chatId } = settingsOf(location.href);
const headers = { authorization: `Bearer ${token}` };
const openai = new OpenAI({
  apiKey: token,
  baseURL: `${streamUrl}v1`,
  dangerouslyAllowBrowser: true,
  maxRetries: 0,
});

function ask(prompt: string, model = 'default', key?: string) {
  const request = key === undefined ? {} : { headers: { 'Idempotency-Key': key } };
  const messages = [{ role: 'user' as const, content: prompt }];
  return openai.chat.completions.create({ model, messages, stream: true }, request);
}

window.clients = {
  complete: async (prompt, key) => {
    const { data, request_id: requestId } = await ask(prompt, 'default', key).withResponse();
    let text = '';
    for await (const { choices } of data) text += choices[0]?.delta.content ?? '';
    return { text, requestId };
  },
  refused: async (prompt, model) => {
    try {
      await ask(prompt, model);
    } catch (error) {
      if (!(error instanceof OpenAI.APIError)) throw error;
      const { status, code, headers: told } = error as InstanceType<typeof OpenAI.APIError>;
      return { status, code, headers: Object.fromEntries(told ?? []) };
    }
    throw new Error('the completion was not refused');
  },
  models: async () => {
    const names: string[] = [];
    for await (const { id } of openai.models.list()) names.push(id);
    return names;
  },
  run: async (prompt) => {
    const agent = new HttpAgent({ url: `${streamUrl}ag-ui/`, headers, threadId: chatId });
    agent.addMessage({ id: crypto.randomUUID(), role: 'user', content: prompt });
    const { newMessages } = await agent.runAgent();
    return newMessages.map(({ content }) => content as string).join('');
  },
  request: async (method, path) => {
    const response = await fetch(streamUrl + path, { method, headers });
    const { status, headers: told } = response;
    return { status, code: null, headers: Object.fromEntries(told) };
  },
};
