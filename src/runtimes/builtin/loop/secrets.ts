/**
 * Keeps log-ins out of everything that is printed or written. A provider's error text may quote the key it
 * refused, and a command may print its environment.
 */

/** Shorter values are words, not secrets: hiding them would damage ordinary text. */
const SECRET_CHARS_MIN = 8;

export type Mask = (text: string) => string;

export function masker(env: Record<string, string | undefined>, hidden: string[]): Mask {
  const secrets = hidden
    .map((name) => env[name] ?? '')
    .filter((value) => value.length >= SECRET_CHARS_MIN)
    .sort((a, b) => b.length - a.length);
  return (text) => secrets.reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
}

/** A value as JSON, every string in it masked; keys and numbers are left alone, so that it stays JSON. */
export function maskedJson(value: unknown, mask: Mask): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? mask(part) : part));
}

/** The environment without the hidden variables: what commands and the MCP server get. */
export function visibleEnv(
  env: Record<string, string | undefined>,
  hidden: string[],
): Record<string, string> {
  const visible: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !hidden.includes(name)) visible[name] = value;
  }
  return visible;
}
