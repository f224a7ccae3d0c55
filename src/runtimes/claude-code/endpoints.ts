/** Where Claude Code reaches its models, by the variables that it is started with. */

type Env = Readonly<Record<string, string | undefined>>;

export function endpointsOf(env: Env): string[] {
  if (env.CLAUDE_CODE_USE_BEDROCK) return bedrock(env);
  if (env.CLAUDE_CODE_USE_VERTEX) return vertex(env);
  return [env.ANTHROPIC_BASE_URL || 'https://api.anthropic.com'];
}

function bedrock(env: Env): string[] {
  const regions = [env.AWS_REGION || env.AWS_DEFAULT_REGION, env.ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION];
  const services = regions.flatMap((region) =>
    region
      ? ['bedrock-runtime', 'bedrock', 'sts'].map((name) => `https://${name}.${region}.amazonaws.com`)
      : [],
  );
  return env.ANTHROPIC_BEDROCK_BASE_URL ? [env.ANTHROPIC_BEDROCK_BASE_URL, ...services] : services;
}

function vertex(env: Env): string[] {
  const region = env.CLOUD_ML_REGION ?? 'global';
  const host = region === 'global' ? 'aiplatform.googleapis.com' : `${region}-aiplatform.googleapis.com`;
  return [env.ANTHROPIC_VERTEX_BASE_URL || `https://${host}`, 'https://oauth2.googleapis.com'];
}
