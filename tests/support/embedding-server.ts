/**
 * An embedding endpoint on loopback that speaks OpenAI's and Ollama's form. Its model knows some topics, each by a few
 * words of several languages: a text's vector says how often it speaks of each.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const TOPICS: string[][] = [
  ['car', 'automobile', 'vehicle', 'garage', 'engine'],
  ['salary', 'wage', 'pay', 'payroll', 'income'],
  ['doctor', 'physician', 'clinic', 'illness', 'sick'],
  ['ship', 'ferry', 'boat', 'harbour', 'vessel'],
  ['bread', 'bakery', 'loaf', 'flour', 'dough'],
  ['dog', 'hound', 'puppy', 'leash', 'kennel'],
];

export interface Asked {
  path: string;
  model: string;
  texts: string[];
  dimensions?: number;
  authorization: string | undefined;
}

export class EmbeddingServer {
  readonly asked: Asked[] = [];
  /** What it does instead of answering; null: it answers. */
  instead: ((asked: Asked) => { status: number; body?: string } | 'hang' | null) | null = null;
  /** Dimensions of noise, besides the topics. */
  more = 10;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => {
      void this.#answer(request).then((answer) => {
        if (answer === 'hang') return;
        const { status, body = '{}', location } = answer;
        response.writeHead(status, {
          'content-type': 'application/json',
          ...(location === undefined ? {} : { location }),
        });
        response.end(body);
      });
    });
  }

  static async open(port = 0): Promise<EmbeddingServer> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new EmbeddingServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get texts(): string[] {
    return this.asked.flatMap(({ texts }) => texts);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(
    request: IncomingMessage,
  ): Promise<{ status: number; body?: string; location?: string } | 'hang'> {
    let text = '';
    for await (const part of request) text += String(part);
    const { model, input, dimensions } = JSON.parse(text) as {
      model: string;
      input: string[];
      dimensions?: number;
    };
    const path = request.url ?? '';
    const { authorization } = request.headers;
    const asked: Asked = {
      ...{ path, model, texts: input, authorization },
      ...(dimensions === undefined ? {} : { dimensions }),
    };
    this.asked.push(asked);
    const instead = this.instead?.(asked) ?? null;
    if (instead !== null) return instead;
    const vectors = input.map((one) => this.#vector(one, model));
    if (path === '/api/embed') return { status: 200, body: JSON.stringify({ model, embeddings: vectors }) };
    // The order of the items is not the order of the texts.
    const data = vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })).reverse();
    if (path === '/v1/embeddings')
      return { status: 200, body: JSON.stringify({ object: 'list', data, model }) };
    return { status: 404 };
  }

  #vector(text: string, model: string): number[] {
    const words = text.toLowerCase().match(/\p{L}+/gu) ?? [];
    const topics = TOPICS.map((topic) => words.filter((word) => topic.includes(word)).length);
    // A model's vectors are its own.
    const turned = [...topics.slice(model.length % 6), ...topics.slice(0, model.length % 6)];
    const noise = Array.from({ length: this.more }, (_, at) => (((text.length * (at + 3)) % 7) - 3) / 60);
    return [...turned, ...noise];
  }
}
