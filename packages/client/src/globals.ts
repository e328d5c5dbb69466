/**
 * What the client takes from the machine that it runs on, and from what it is handed: as few shapes as it needs, so that it
 * needs no types of a browser's or of Node's. Both have all of them, but Node 20, which has no `WebSocket`.
 */

/** An `AbortSignal`. */
export interface StopSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** `fetch`, as far as it is used here. */
export type Fetch = (url: string, init?: FetchInit) => Promise<FetchResponse>;

export interface FetchInit {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  cache?: 'no-store' | 'no-cache';
  redirect?: 'error';
  /** An `AbortSignal` of the machine's own. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each platform's `fetch` takes only its own type of it
  signal?: any;
}

export interface FetchResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  /** Only a Function URL needs it. React Native's `fetch` has none. */
  readonly body?: { getReader(): ByteReader } | null;
  text(): Promise<string>;
  json(): Promise<unknown>;
}

export interface ByteReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** A WebSocket: a browser's, or that of Node's package `ws`. */
export interface WebSocketLike {
  readonly readyState: number;
  // `never`: each implementation has types of its own for what it tells.
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: string): void;
  close(): void;
}

export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;

/** `WebSocket.OPEN`. */
export const OPEN = 1;

interface Globals {
  readonly navigator?: { readonly onLine?: boolean };
  readonly performance: { now(): number };
  setTimeout(callback: () => void, ms?: number): unknown;
  clearTimeout(timer: unknown): void;
  readonly fetch: Fetch;
  readonly WebSocket?: WebSocketConstructor;
  readonly AbortController: new () => { readonly signal: StopSignal; abort(): void };
  readonly URL: new (url: string) => unknown;
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
  readonly TextDecoder: new () => {
    decode(bytes: Uint8Array, options: { stream: boolean }): string;
  };
  readonly crypto: {
    getRandomValues(bytes: Uint8Array): Uint8Array;
    /** Missing in pages that came over plain HTTP from another machine. */
    readonly subtle?: { digest(algorithm: 'SHA-256', bytes: Uint8Array): Promise<ArrayBuffer> };
  };
  btoa(latin1: string): string;
  atob(base64: string): string;
  /** A window's or a worker's. */
  addEventListener?(type: 'online', listener: () => void): void;
  removeEventListener?(type: 'online', listener: () => void): void;
}

/** Looked up with each use, since a page or a test may put another in its place. */
export const globals = globalThis as unknown as Globals;
