/**
 * Masks one agent's secrets in what `plan` shows. A value is masked where it is known to be secret (the log-in,
 * what comes from `${VAR}`, what the runtime says), and wherever it turns up again, whole or as its tail.
 */
import type { AgentSpec } from '../../runtimes/runtime.ts';
import { authSource } from './auth.ts';
import { isSecretName, looksLikeSecret } from './secrets.ts';
import type { AgentConfig } from './types.ts';
import { parseValue, variablesOf } from './variables.ts';

const DOTS = '••••';
/** Shorter texts turn up by chance: masking every "1" would make a plan unreadable. */
const CHARS_MIN = 6;
/** Claude Code's own settings name an approved key by its last 20 characters. */
const TAIL_CHARS = 20;

export class Mask {
  readonly #agent: AgentConfig;
  /** Longest first, so that a secret within a secret does not leave its rest behind. */
  #secrets: string[] = [];

  /** @param environment the values of `${VAR}` in the agent's env are secret from the start */
  constructor(agent: AgentConfig, environment: Record<string, string | undefined>) {
    this.#agent = agent;
    for (const [name, written] of Object.entries(agent.env)) {
      for (const variable of variablesOf(written)) {
        const value = environment[variable] ?? '';
        // ${HOME} and ${PATH} are no secrets, and masking them would hide half of the plan.
        if (isSecretName(variable) || !value.startsWith('/')) this.#learn(value);
      }
      if (looksLikeSecret(written)) this.#learn(written);
      const parts = parseValue(written);
      if (isSecretName(name) && Array.isArray(parts))
        for (const part of parts) if ('text' in part) this.#learn(part.text);
    }
  }

  /** Learns the resolved log-in and variables. */
  add(spec: AgentSpec): void {
    for (const [name, value] of Object.entries(spec.auth)) if (!isPublic(name, value)) this.#learn(value);
    for (const [name, value] of Object.entries(spec.env))
      if (this.#isSecretEnv(name, value) && (isSecretName(name) || !value.startsWith('/')))
        this.#learn(value);
  }

  /** Text with every known secret masked. */
  text(text: string): string {
    let masked = text;
    for (const secret of this.#secrets) masked = masked.replaceAll(secret, DOTS);
    return masked;
  }

  /** In place of something secret as a whole. */
  whole(what: string): string {
    return `${DOTS} (${what})`;
  }

  /** One variable of the process: its value, or where the value is from. */
  variable(name: string, value: string, secretEnv: readonly string[]): string {
    const written = this.#agent.env[name];
    const parts = written === undefined ? [] : parseValue(written);
    const variables = written === undefined ? [] : variablesOf(written);
    if (variables.length > 0 && Array.isArray(parts)) {
      // What is written beside the variable belongs to the secret, where the name says that this is one.
      const shape = isSecretName(name)
        ? DOTS
        : parts.map((part) => ('text' in part ? part.text : DOTS)).join('');
      return `${this.text(shape)} (from ${variables.map((one) => `\${${one}}`).join(', ')})`;
    }
    if (written !== undefined && this.#isSecretEnv(name, value)) return this.whole('written in the file');
    if (secretEnv.includes(name) && !isPublic(name, value)) return this.whole(authSource(this.#agent, name));
    return this.text(value);
  }

  #isSecretEnv(name: string, value: string): boolean {
    const written = this.#agent.env[name];
    return (
      looksLikeSecret(value) ||
      (value !== '' && isSecretName(name)) ||
      (written !== undefined && variablesOf(written).length > 0)
    );
  }

  #learn(secret: string): void {
    if (secret.length < CHARS_MIN) return;
    const forms = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
    if (secret.length > TAIL_CHARS) forms.push(secret.slice(-TAIL_CHARS));
    this.#secrets = [...new Set([...this.#secrets, ...forms])].sort((a, b) => b.length - a.length);
  }
}

/** What a log-in carries along that is worth seeing: addresses and regions, unless a password hides in them. */
function isPublic(name: string, value: string): boolean {
  if (/^CLAUDE_CODE_(USE|SKIP)_|_REGION$|_PROJECT(_ID)?$|_PROFILE$|_FILE$/.test(name)) return true;
  if (!/_BASE_URL$|_HOST$/.test(name)) return false;
  const address = value.includes('://') ? value : `http://${value}`;
  if (!URL.canParse(address)) return false;
  const { username, password, search } = new URL(address);
  return username === '' && password === '' && search === '';
}
