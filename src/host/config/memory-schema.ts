/** What aether.yaml may say of memory. */
import { z } from 'zod';
import { limits } from '../limits.ts';
import { durationInMs } from './duration.ts';
import { resolvePath } from './paths.ts';
import { size, sizeInBytes } from './sizes.ts';
import { text, VARIABLE_NAME } from './text-schema.ts';
import type { EmbeddingSettings, MemorySettings } from './types.ts';

export const MEMORY: MemorySettings = {
  recall_tokens: limits.memory_recall_tokens,
  episodes: true,
  memories_per_scope_max: limits.memories_per_scope_max,
  bytes_per_scope_max: limits.memory_bytes_per_scope_max,
};

const EMBEDDINGS = { api: 'openai', batch_max: 16, timeout: '10s' } as const;
const TIMEOUT_MS_MAX = 120_000;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Memories go over the network in the clear to this machine alone. */
function isEndpoint(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname));
}

const isTimeout = (value: string): boolean => {
  const ms = durationInMs(value);
  return ms >= 100 && ms <= TIMEOUT_MS_MAX;
};

const SCOPES = /^(?:agent|fleet|workspace|branch|(?:agent|client):[^\0]{1,200})$/;

const embeddingsSchema = z
  .strictObject({
    url: text()
      .refine(isEndpoint, 'must be an https:// address, or http:// on this machine, without a log-in in it')
      .meta({
        description:
          'Address of the endpoint. OpenAI’s: its /v1, or /v1/embeddings beneath it; Ollama’s: /api/embed beneath it.',
        examples: ['http://127.0.0.1:11434'],
      }),
    api: z
      .enum(['openai', 'ollama'])
      .meta({
        description: `Which of the two it speaks: OpenAI’s /v1/embeddings, as most servers do, or Ollama’s /api/embed. Default: ${EMBEDDINGS.api}.`,
        examples: ['ollama'],
      })
      .optional(),
    model: text()
      .max(200)
      .meta({ description: 'Name of the model there.', examples: ['nomic-embed-text'] }),
    auth: z
      .union([
        text().regex(VARIABLE_NAME, 'must be the name of a variable, not the key itself'),
        z.strictObject({
          file: text().meta({
            description: 'File with the key; must be readable by its owner only (chmod 600).',
            examples: ['~/.config/aether/embeddings.key'],
          }),
        }),
      ])
      .meta({
        description:
          'Where the key is found; never the key itself: the name of a variable in the environment of aether, or a file that its owner alone can read. Default: no key.',
        examples: ['OPENAI_API_KEY', { file: '~/.config/aether/embeddings.key' }],
      })
      .optional(),
    dimensions: z
      .int()
      .min(8)
      .max(limits.embedding_dimensions_max)
      .meta({
        description: 'Asks the model for vectors of so many dimensions. Default: as many as it has.',
        examples: [256],
      })
      .optional(),
    batch_max: z
      .int()
      .min(1)
      .max(256)
      .meta({ description: `Memories in one request. Default: ${EMBEDDINGS.batch_max}.`, examples: [16] })
      .optional(),
    timeout: z
      .string()
      .refine(isTimeout, 'must be a time of at most 2m, such as 10s')
      .meta({
        description: `How long an answer is waited for; a search waits 2s at most. Default: ${EMBEDDINGS.timeout}.`,
        examples: ['10s'],
      })
      .optional(),
    exclude: z
      .array(z.string().regex(SCOPES, 'must be agent, fleet, workspace, branch, agent:NAME or client:NAME'))
      .max(200)
      .meta({
        description:
          'Memories of which nothing is sent there: a kind of scope (agent: all that is an agent’s or client’s own), or one agent or client. What was made of them is removed.',
        examples: [['agent:diarist', 'branch']],
      })
      .optional(),
  })
  .meta({
    description:
      'An endpoint that makes vectors of memories and of what is searched, so that they are found by meaning as well as by words. The texts of memories and of searches are sent there. Default: none; memories are found by their words.',
    examples: [{ url: 'http://127.0.0.1:11434', api: 'ollama', model: 'nomic-embed-text' }],
  });

export const memorySchema = z
  .strictObject({
    recall_tokens: z
      .int()
      .min(0)
      .max(limits.memory_recall_tokens_max)
      .meta({
        description: `What is remembered for its goal is given to an agent when its engine starts, and again when the engine has summarised its conversation: the best few memories, in about so many tokens. 0: nothing; an agent finds memories only by searching. Default: ${MEMORY.recall_tokens}.`,
        examples: [MEMORY.recall_tokens],
      })
      .optional(),
    episodes: z
      .boolean()
      .meta({
        description:
          'At the end of a run that did something the host remembers for the agent what it was for, how it ended, which files changed, what it cost and what was reported. Default: true.',
        examples: [true],
      })
      .optional(),
    memories_per_scope_max: z
      .int()
      .min(1)
      .max(10_000_000)
      .meta({
        description: `Memories in one scope: those of one agent or client, of the fleet, of a workspace or a branch. A full scope takes no more until something is forgotten, and says what is worth least. Default: ${MEMORY.memories_per_scope_max}.`,
        examples: [MEMORY.memories_per_scope_max],
      })
      .optional(),
    embeddings: embeddingsSchema.optional(),
    bytes_per_scope_max: size('Text in one scope, earlier versions included. Default: 256 MiB.', '256MB'),
  })
  .meta({
    description: 'Memory of agents and outside clients.',
    examples: [{ recall_tokens: MEMORY.recall_tokens }],
  });

type Written = z.infer<typeof memorySchema>;

/** What is left out has its default. @param dir of the file, for paths */
export function memorySettings(written: Written | undefined, dir: string, home: string): MemorySettings {
  const { embeddings, bytes_per_scope_max, ...rest } = written ?? {};
  return {
    ...MEMORY,
    ...(Object.fromEntries(
      Object.entries(rest).filter(([, value]) => value !== undefined),
    ) as Partial<MemorySettings>),
    bytes_per_scope_max: sizeInBytes(bytes_per_scope_max ?? MEMORY.bytes_per_scope_max),
    ...(embeddings === undefined ? {} : { embeddings: embeddingSettings(embeddings, dir, home) }),
  };
}

function embeddingSettings(
  written: z.infer<typeof embeddingsSchema>,
  dir: string,
  home: string,
): EmbeddingSettings {
  const { url, api, model, auth, dimensions, batch_max, timeout, exclude } = written;
  return {
    ...{ url, model, api: api ?? EMBEDDINGS.api, dimensions: dimensions ?? null },
    auth:
      auth === undefined
        ? null
        : typeof auth === 'string'
          ? { env: auth }
          : { file: resolvePath(auth.file, dir, home) },
    batch_max: batch_max ?? EMBEDDINGS.batch_max,
    timeout_ms: durationInMs(timeout ?? EMBEDDINGS.timeout),
    exclude: exclude ?? [],
  };
}
