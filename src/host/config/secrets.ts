/**
 * Telling a secret from the name of one. Used to refuse a key pasted into aether.yaml, to warn of one in `env`,
 * and so that no error text ever quotes one.
 */
import { shortText } from '../text.ts';

const KEY_FORMS = [
  /^sk[-_](ant|proj|or|live|test|svcacct|admin)[-_]/i,
  /^sk[-_](?=[\w-]*\d)[\w-]{16,}/i,
  /^(pk|rk)_(live|test)_/,
  /^AIza[\w-]{20,}/,
  /^gh[opsur]_\w{16,}/,
  /^github_pat_/,
  /^glpat-/,
  /^xox[abeprs]-/,
  /^A(KIA|SIA)[A-Z0-9]{16}$/,
  /^ya29\./,
  /^npm_\w{30,}/,
  /^hf_\w{20,}/,
  /^eyJ[\w-]{10,}\.[\w-]+/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
];

/** True when the text itself looks like a key or a token. Names such as ANTHROPIC_API_KEY do not. */
export function looksLikeSecret(text: string): boolean {
  if (KEY_FORMS.some((form) => form.test(text))) return true;
  // A long run of mixed letters and digits without a separator people use in paths, addresses or sentences.
  return (
    /^[\w+/=-]{32,}$/.test(text) &&
    !text.includes('//') &&
    !text.startsWith('/') &&
    /\d/.test(text) &&
    /[a-z]/.test(text) &&
    /[A-Z]/.test(text)
  );
}

/** True when a variable of this name usually holds a secret. */
export function isSecretName(name: string): boolean {
  return (
    /(^|_)(API_?KEY|ACCESS_KEY|KEY|TOKEN|SECRET|PASS|PASSWD|PASSWORD|PASSPHRASE|CREDENTIALS?|AUTH|COOKIE|DSN)(_|$)/i.test(
      name,
    ) && !/(_FILE|_PATH|_ID|_CREDENTIALS)$/i.test(name)
  );
}

/** A dotted path for an error message: a key can be a pasted secret too. */
export function showPath(path: readonly string[]): string {
  return path.map((step) => (looksLikeSecret(step) ? '••••' : shortText(step, 70))).join('.');
}

/** A value for an error message: short, on one line, and never a secret. */
export function quoteValue(text: string): string {
  if (looksLikeSecret(text)) return '"••••"';
  return JSON.stringify(shortText(text, 60));
}
