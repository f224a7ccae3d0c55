/**
 * How an environment lets Claude Code log in, in the order in which Claude Code looks. Form is checked, not validity.
 */
export interface LogIn {
  /** For `plan` and `doctor`; names variables, never values. */
  note: string;
  /** Variables whose values are secret. */
  secret: string[];
  /** The key whose use Claude Code asks about in a terminal, if it is one. */
  apiKey: string | null;
}

type Environment = Record<string, string | undefined>;

/** Log-ins of every kind, and whatever else is named like one: masked wherever the environment is shown. */
const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|PASSPHRASE|CREDENTIAL|CUSTOM_HEADERS/i;

/** A placeholder such as `changeme` proves nothing. */
const KEY = /^sk-ant-[\w-]{16,}$/;
const TOKEN = /^\S{16,}$/;

export const LOG_IN_HINT =
  'set ANTHROPIC_API_KEY (an API key), or CLAUDE_CODE_OAUTH_TOKEN (from `claude setup-token`, for a subscription)';

/** @returns null when nothing in it could log in */
export function logInOf(env: Environment): LogIn | null {
  const secret = Object.keys(env).filter((name) => env[name] && SECRET_NAME.test(name));
  const at = env.ANTHROPIC_BASE_URL ? ' at ANTHROPIC_BASE_URL' : '';
  const through = (note: string, apiKey: string | null = null): LogIn => ({
    note: note + at,
    secret,
    apiKey,
  });
  if (on(env.CLAUDE_CODE_USE_BEDROCK)) {
    return hasAws(env) ? through('Amazon Bedrock with the AWS variables') : null;
  }
  if (on(env.CLAUDE_CODE_USE_VERTEX)) {
    return env.ANTHROPIC_VERTEX_PROJECT_ID || env.GOOGLE_APPLICATION_CREDENTIALS
      ? through('Google Vertex with the GCP variables')
      : null;
  }
  if (env.ANTHROPIC_AUTH_TOKEN && TOKEN.test(env.ANTHROPIC_AUTH_TOKEN)) {
    return through('ANTHROPIC_AUTH_TOKEN (bearer token)');
  }
  const key = env.ANTHROPIC_API_KEY;
  // A gateway chooses the form of its own keys.
  if (key && (KEY.test(key) || (at !== '' && TOKEN.test(key)))) return through('ANTHROPIC_API_KEY', key);
  if (env.CLAUDE_CODE_OAUTH_TOKEN && KEY.test(env.CLAUDE_CODE_OAUTH_TOKEN)) {
    return through('CLAUDE_CODE_OAUTH_TOKEN (subscription)');
  }
  return null;
}

const on = (value: string | undefined): boolean => value !== undefined && /^(1|true|yes|on)$/i.test(value);

function hasAws(env: Environment): boolean {
  return Boolean(
    env.AWS_BEARER_TOKEN_BEDROCK ||
      env.AWS_PROFILE ||
      (env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY) ||
      env.AWS_WEB_IDENTITY_TOKEN_FILE,
  );
}
