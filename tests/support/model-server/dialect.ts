/** What one model protocol has to provide to the scripted server. */
import type { ServerResponse } from 'node:http';
import type { Conversation } from './conversation.ts';
import type { Piece } from './perform.ts';

export interface Dialect {
  name: 'anthropic' | 'openai' | 'gemini' | 'ollama';
  matches(path: string): boolean;
  read(body: unknown, path: string): Conversation;
  /** The protocol's own error body. */
  error(status: number): Record<string, unknown>;
  write(out: Output, body: unknown, conversation: Conversation, pieces: AsyncGenerator<Piece>): Promise<void>;
}

/** The response side of one request. */
export class Output {
  opened = false;
  cutOff = false;
  readonly #response: ServerResponse;
  #beforeWait: (() => void) | null = null;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** Sends the headers of a stream; false when they are out already. */
  open(status: number, type: string): boolean {
    if (this.opened) return false;
    this.opened = true;
    this.#response.writeHead(status, {
      'content-type': type,
      'cache-control': 'no-cache',
      'request-id': 'req_scripted',
    });
    return true;
  }

  text(data: string): void {
    this.#response.write(data);
  }

  json(status: number, body: unknown): void {
    this.raw(status, 'application/json', JSON.stringify(body));
  }

  raw(status: number, type: string, body: string): void {
    this.open(status, type);
    this.text(body);
  }

  /** Drops the connection without an end. */
  cut(): void {
    this.cutOff = true;
    this.#response.destroy();
  }

  /** A stream that is about to wait must have been opened, so that the client sees a model that thinks. */
  onWait(open: () => void): void {
    this.#beforeWait = open;
  }

  waiting(): void {
    this.#beforeWait?.();
  }
}
