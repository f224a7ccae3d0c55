/**
 * Makes the model a model string names. Each provider is loaded only when it is used: together they would
 * cost a fifth of a second at every start.
 */
import type { Model } from './model.ts';

type Env = Record<string, string | undefined>;

/**
 * @param spec `provider:name`
 * @param env where keys and addresses are read from
 * @throws Error that names the variable or the model
 */
export async function createModel(spec: string, env: Env): Promise<Model> {
  const colon = spec.indexOf(':');
  const name = spec.slice(colon + 1);
  switch (spec.slice(0, colon)) {
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      return createAnthropic({
        apiKey: required(env, 'ANTHROPIC_API_KEY'),
        baseURL: versioned(env.ANTHROPIC_BASE_URL || 'https://api.anthropic.com', 'v1'),
      })(name);
    }
    case 'openai': {
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
      return createOpenAICompatible({
        name: 'openai',
        baseURL: trimmed(env.OPENAI_BASE_URL || 'https://api.openai.com/v1'),
        ...(env.OPENAI_API_KEY ? { apiKey: env.OPENAI_API_KEY } : {}),
        includeUsage: true,
      })(name);
    }
    case 'gemini': {
      const { createGoogle } = await import('@ai-sdk/google');
      return createGoogle({
        apiKey: required(env, 'GOOGLE_GENERATIVE_AI_API_KEY'),
        baseURL: versioned(
          env.GOOGLE_GENERATIVE_AI_BASE_URL || 'https://generativelanguage.googleapis.com',
          'v1beta',
        ),
      })(name);
    }
    case 'ollama': {
      const { createOllama } = await import('ollama-ai-provider-v2');
      return createOllama({ baseURL: ollamaUrl(env.OLLAMA_HOST || '127.0.0.1:11434') })(name);
    }
    case 'replay': {
      const { replayModel } = await import('./replay/model.ts');
      return replayModel(name);
    }
    default:
      throw new Error(`'${spec}' names no provider this program knows.`);
  }
}

function required(env: Env, variable: string): string {
  const value = env[variable];
  if (!value) throw new Error(`${variable} is not set: the model cannot be called without it.`);
  return value;
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, '');
}

/** Providers disagree on whether the version belongs to the base address: both forms are accepted. */
function versioned(url: string, version: string): string {
  return /\/v\d[^/]*$/.test(trimmed(url)) ? trimmed(url) : `${trimmed(url)}/${version}`;
}

/** OLLAMA_HOST is commonly `host:port`. */
function ollamaUrl(host: string): string {
  const url = trimmed(host.includes('://') ? host : `http://${host}`);
  return url.endsWith('/api') ? url : `${url}/api`;
}
