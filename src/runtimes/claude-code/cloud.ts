/** `auth: { provider }`: which of the host's variables Claude Code needs to log in at Bedrock or Vertex. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment, Fault } from '../definition.ts';

interface Cloud {
  /** Turns the provider on. */
  flag: string;
  copied: readonly string[];
  /** One of each group must be set, or a file below HOME must stand in. */
  required: readonly { anyOf: readonly string[]; what: string }[];
  /** Credentials below the user's HOME, which the agent does not see: variable → path in HOME. */
  files: Record<string, string>;
}

const CLOUDS = {
  bedrock: {
    flag: 'CLAUDE_CODE_USE_BEDROCK',
    copied: [
      'AWS_REGION',
      'AWS_DEFAULT_REGION',
      'AWS_PROFILE',
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'AWS_SESSION_TOKEN',
      'AWS_BEARER_TOKEN_BEDROCK',
      'AWS_CONFIG_FILE',
      'AWS_SHARED_CREDENTIALS_FILE',
      'AWS_WEB_IDENTITY_TOKEN_FILE',
      'AWS_ROLE_ARN',
      'AWS_ROLE_SESSION_NAME',
      'AWS_CONTAINER_CREDENTIALS_FULL_URI',
      'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
      'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
      'ANTHROPIC_BEDROCK_BASE_URL',
      'ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION',
      'CLAUDE_CODE_SKIP_BEDROCK_AUTH',
    ],
    required: [
      { anyOf: ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_CONFIG_FILE'], what: 'a region' },
      {
        anyOf: [
          'AWS_BEARER_TOKEN_BEDROCK',
          'AWS_ACCESS_KEY_ID',
          'AWS_SHARED_CREDENTIALS_FILE',
          'AWS_CONFIG_FILE',
          'AWS_WEB_IDENTITY_TOKEN_FILE',
          'AWS_CONTAINER_CREDENTIALS_FULL_URI',
          'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
          'CLAUDE_CODE_SKIP_BEDROCK_AUTH',
        ],
        what: 'credentials',
      },
    ],
    files: { AWS_CONFIG_FILE: '.aws/config', AWS_SHARED_CREDENTIALS_FILE: '.aws/credentials' },
  },
  vertex: {
    flag: 'CLAUDE_CODE_USE_VERTEX',
    copied: [
      'ANTHROPIC_VERTEX_PROJECT_ID',
      'CLOUD_ML_REGION',
      'GOOGLE_APPLICATION_CREDENTIALS',
      'GOOGLE_CLOUD_PROJECT',
      'GCLOUD_PROJECT',
      'ANTHROPIC_VERTEX_BASE_URL',
      'CLAUDE_CODE_SKIP_VERTEX_AUTH',
    ],
    required: [
      { anyOf: ['ANTHROPIC_VERTEX_PROJECT_ID'], what: 'a project' },
      { anyOf: ['CLOUD_ML_REGION'], what: 'a region' },
      { anyOf: ['GOOGLE_APPLICATION_CREDENTIALS', 'CLAUDE_CODE_SKIP_VERTEX_AUTH'], what: 'credentials' },
    ],
    files: { GOOGLE_APPLICATION_CREDENTIALS: '.config/gcloud/application_default_credentials.json' },
  },
} satisfies Record<string, Cloud>;

export type CloudName = keyof typeof CLOUDS;

/** Adds what is set to `variables`, or names what is missing. */
export function providerVariables(
  provider: CloudName,
  environment: Environment,
  variables: Record<string, string>,
): Fault | null {
  const cloud: Cloud = CLOUDS[provider];
  variables[cloud.flag] = '1';
  for (const variable of cloud.copied) {
    const value = environment[variable];
    if (value) variables[variable] = value;
  }
  // The agent has a HOME of its own, so what the provider's tools find below the user's is named explicitly.
  for (const [variable, below] of Object.entries(cloud.files)) {
    const path = join(environment.HOME || homedir(), below);
    if (!(variable in variables) && existsSync(path)) variables[variable] = path;
  }
  const lacking = cloud.required.filter(({ anyOf }) => !anyOf.some((variable) => variable in variables));
  if (lacking.length === 0) return null;
  return {
    code: 'auth-missing',
    path: ['auth'],
    message: `${provider} lacks ${lacking.map(({ what }) => what).join(' and ')}.`,
    next: `Set ${lacking.map(({ anyOf }) => anyOf[0]).join(' and ')} in the environment of aether.`,
  };
}
