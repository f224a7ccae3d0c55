/** "Did you mean": the known key nearest to a mistyped one, or the one that another tool calls by that name. */
import { nearest } from '../errors.ts';

/** Words people bring along, by the key that is meant here. */
const SYNONYMS: Record<string, readonly string[]> = {
  agents: ['services', 'workers'],
  allow: ['allowed_tools', 'allowedtools'],
  attempts: ['max_attempts', 'max_retries', 'retries'],
  auth: ['api_key', 'apikey', 'credentials', 'key', 'login'],
  autostart: ['enabled', 'start'],
  command: ['args', 'argv', 'cmd', 'entrypoint', 'exec'],
  deny: ['disallowed_tools', 'disallowedtools'],
  env: ['environment', 'vars', 'variables'],
  goal: ['message', 'objective', 'prompt', 'task'],
  instructions: ['claude_md', 'claude.md'],
  limits: ['max_steps', 'max_turns'],
  mcp_servers: ['mcp', 'servers'],
  mode: ['default', 'permission_mode'],
  oauth_env: ['token'],
  permissions: ['policy'],
  role: ['instructions', 'persona', 'system', 'system_prompt'],
  runtime: ['engine', 'kind', 'type'],
  steps_max: ['max_steps', 'max_turns', 'steps'],
  tools: ['grants'],
  workspace: ['cwd', 'dir', 'directory', 'path', 'working_dir', 'workdir'],
};

/** The known word that was most likely meant, or null when none is near. */
export function nearestKey(word: string, known: readonly string[]): string | null {
  const plain = word.toLowerCase().replaceAll('-', '_');
  const near = nearest(plain, known)[0];
  return near ?? known.find((key) => SYNONYMS[key]?.includes(plain)) ?? null;
}
