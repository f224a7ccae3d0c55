/** Whatever single slip of the finger, the key that was meant is named. */
import { describe, expect, it } from 'vitest';
import { nearestKey } from '../../../src/host/config/nearest.ts';
import { agentSchema, configSchema, permissionsSchema } from '../../../src/host/config/schema.ts';
import { isSecretName, looksLikeSecret } from '../../../src/host/config/secrets.ts';
import { refusal } from './support.ts';

const KEYS = Object.keys(agentSchema.shape);

/** Every word one slip away: a letter left out, doubled, replaced, or swapped with the next. */
function slips(word: string): string[] {
  const found = new Set<string>();
  for (let i = 0; i < word.length; i++) {
    found.add(word.slice(0, i) + word.slice(i + 1));
    found.add(word.slice(0, i) + word[i]! + word.slice(i));
    found.add(`${word.slice(0, i)}q${word.slice(i + 1)}`);
    found.add(word.slice(0, i) + (word[i + 1] ?? '') + word[i]! + word.slice(i + 2));
  }
  found.delete(word);
  return [...found];
}

describe('nearestKey', () => {
  it.each(KEYS.filter((key) => key.length > 3))('mends every single slip in %s', (key) => {
    const wrong = slips(key).filter((slip) => !KEYS.includes(slip) && nearestKey(slip, KEYS) !== key);
    expect(wrong).toEqual([]);
    expect(slips(key).length).toBeGreaterThan(8);
  });

  it('does not care for case and hyphens', () => {
    expect(nearestKey('Auto-Start', KEYS)).toBe('autostart');
    expect(nearestKey('WORKSPACE', KEYS)).toBe('workspace');
  });

  it('knows what other tools call it', () => {
    expect(nearestKey('cwd', KEYS)).toBe('workspace');
    expect(nearestKey('system_prompt', KEYS)).toBe('role');
    expect(nearestKey('engine', KEYS)).toBe('runtime');
  });

  it('says nothing rather than something far away', () => {
    expect(nearestKey('zebra', KEYS)).toBeNull();
    expect(nearestKey('', KEYS)).toBeNull();
    expect(nearestKey('x'.repeat(100_000), KEYS)).toBeNull();
  });

  it.each(Object.keys(configSchema.shape))('is in the refusal of a misspelt %s', (key) => {
    const slip = `${key}x`;
    expect(refusal(`agents: {}\n${slip}: 1\n`).message).toContain(`nearest known key is "${key}"`);
  });

  it('sees the keys of a mapping that has a short form', () => {
    expect(permissionsSchema.options).toHaveLength(2);
    const error = refusal('agents: { a: { runtime: claude-code, permissions: { denny: [] } } }');
    expect(error.message).toContain('"deny"');
  });
});

describe('secrets', () => {
  it.each([
    'sk-ant-api03-aaaaaaaaaaaaaaaa',
    'sk-proj-x',
    'sk_live_51H',
    'AIzaSyA1234567890abcdefghijklmnopq',
    'ghp_0123456789abcdef0123',
    'github_pat_11AAA',
    'xoxb-123',
    'AKIAIOSFODNN7EXAMPLE',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x',
    '-----BEGIN OPENSSH PRIVATE KEY-----\nx',
    'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY',
  ])('are told from other text: %s', (text) => {
    expect(looksLikeSecret(text)).toBe(true);
  });

  it.each([
    'ANTHROPIC_API_KEY',
    'CLAUDE_CODE_OAUTH_TOKEN',
    'MY_VERY_LONG_VARIABLE_NAME_FOR_A_KEY_2',
    'sk-helper',
    'https://example.org/AaBbCcDdEeFfGgHhIiJjKkLlMm0123456789',
    '/home/Somebody/projects/2026/Things/and/more',
    'claude-sonnet-4-5-20250929',
    'a perfectly ordinary sentence with 12 words in it, Or so',
    '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b',
    '',
  ])('are not seen in %s', (text) => {
    expect(looksLikeSecret(text)).toBe(false);
  });

  it('are guessed from names', () => {
    const names = [
      'API_TOKEN',
      'DB_PASSWORD',
      'apiKey',
      'STRIPE_SECRET_KEY',
      'NPM_AUTH',
      'KEYBOARD',
      'TOKENIZER',
    ];
    expect(names.filter(isSecretName)).toEqual([
      'API_TOKEN',
      'DB_PASSWORD',
      'apiKey',
      'STRIPE_SECRET_KEY',
      'NPM_AUTH',
    ]);
  });
});
