/**
 * The endpoint that makes vectors of texts: any that speaks OpenAI's `/v1/embeddings` or Ollama's `/api/embed`. What it
 * answers is checked and bounded. It is the operator's choice and named in aether.yaml; a redirect is not followed, so
 * no memory goes anywhere else.
 */
import { AetherError } from '../../errors.ts';
import { limits } from '../../limits.ts';

export interface Endpoint {
  url: string;
  api: 'openai' | 'ollama';
  model: string;
  /** Null: as many as the model has. */
  dimensions: number | null;
  batch_max: number;
  timeout_ms: number;
  /** Scopes of which nothing is sent: a kind, or one agent's or client's. */
  exclude: readonly string[];
  /** Null: it wants none. @throws AetherError where it is not there */
  key(): string | null;
}

/** What decides whether two vectors can be compared. */
export const modelOf = ({ url, api, model, dimensions }: Endpoint): string =>
  [api, url, model, dimensions ?? ''].join(' ');

/**
 * @returns a vector for each text, in their order, all of one length
 * @throws AetherError `embeddings.*`, whose text holds neither the key nor a memory
 */
export async function embedded(
  endpoint: Endpoint,
  texts: readonly string[],
  wait_ms: number = endpoint.timeout_ms,
): Promise<number[][]> {
  const key = endpoint.key();
  const { model, dimensions } = endpoint;
  const body = { model, input: texts, ...(dimensions === null ? {} : { dimensions }) };
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(addressOf(endpoint), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(wait_ms),
    });
    text = answer.ok ? await bounded(answer) : '';
    if (!answer.ok) await answer.body?.cancel();
  } catch (error) {
    if (error instanceof AetherError) throw error;
    throw unanswered(endpoint, error, wait_ms);
  }
  if (!answer.ok) throw refused(endpoint, answer.status);
  return vectorsOf(endpoint, text, texts.length);
}

/** As written, or beneath what is written. */
export function addressOf({ url, api }: Pick<Endpoint, 'url' | 'api'>): string {
  const base = url.replace(/\/+$/, '');
  if (api === 'ollama') return base.endsWith('/api/embed') ? base : `${base}/api/embed`;
  if (base.endsWith('/embeddings')) return base;
  return /\/v\d+$/.test(base) ? `${base}/embeddings` : `${base}/v1/embeddings`;
}

async function bounded(answer: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body ?? []) {
    bytes += part.length;
    if (bytes > limits.embedding_answer_bytes_max)
      throw unfit(`has more than ${limits.embedding_answer_bytes_max / 1024 / 1024} MB`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function vectorsOf({ api, dimensions }: Endpoint, text: string, count: number): number[][] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unfit('is no JSON');
  }
  const answer = (value ?? {}) as { data?: unknown; embeddings?: unknown };
  const list = api === 'ollama' ? answer.embeddings : inOrder(answer.data);
  if (!Array.isArray(list) || list.length !== count)
    throw unfit(`has ${Array.isArray(list) ? list.length : 'no'} vectors for ${count} texts`);
  const length = dimensions ?? (Array.isArray(list[0]) ? list[0].length : 0);
  if (length < 1 || length > limits.embedding_dimensions_max)
    throw unfit(`has vectors of ${length} dimensions`);
  for (const vector of list)
    if (!Array.isArray(vector) || vector.length !== length || !vector.every(Number.isFinite))
      throw unfit(`has a vector that is not ${length} numbers`);
  return list as number[][];
}

/** OpenAI's form says of each vector which text it is of. */
function inOrder(data: unknown): unknown[] | null {
  if (!Array.isArray(data)) return null;
  const items = data as ({ index?: unknown; embedding?: unknown } | null)[];
  const placed: unknown[] = new Array(items.length).fill(null);
  items.forEach((item, at) => {
    const index = typeof item?.index === 'number' ? item.index : at;
    if (Number.isInteger(index) && index >= 0 && index < items.length) placed[index] = item?.embedding;
  });
  return placed;
}

const unfit = (what: string): AetherError =>
  new AetherError({
    code: 'embeddings.unfit',
    who: 'config',
    message: `The answer of the embedding endpoint ${what}.`,
    next: 'Look whether memory.embeddings names the right api, model and dimensions.',
  });

function refused({ model }: Endpoint, status: number): AetherError {
  const next =
    status === 401 || status === 403
      ? 'Look at memory.embeddings.auth: the key is not accepted.'
      : status === 404
        ? `Look at memory.embeddings.url, and whether the endpoint has the model ${model}.`
        : 'Look into the log of the endpoint.';
  return new AetherError({
    code: 'embeddings.refused',
    who: 'config',
    message: `The embedding endpoint answers with status ${status}.`,
    next,
    details: { status },
  });
}

function unanswered({ url }: Endpoint, error: unknown, wait_ms: number): AetherError {
  const late = error instanceof Error && error.name === 'TimeoutError';
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  const why = typeof cause?.code === 'string' ? ` (${cause.code})` : '';
  return new AetherError({
    code: 'embeddings.unanswered',
    who: 'config',
    message: late
      ? `The embedding endpoint gave no answer within ${wait_ms / 1000} seconds.`
      : `The embedding endpoint cannot be reached${why}.`,
    next: `Start what listens at ${new URL(url).origin}, or correct memory.embeddings.url.`,
  });
}
