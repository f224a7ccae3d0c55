/**
 * The programs that `adapter:` knows: one record each, data without code. `adapter-record.ts` says what each key means; docs/programs.md says how to add one.
 */
import type { AdapterRecord } from './adapter-record.ts';

export const ADAPTERS = {
  aider: {
    submit: 'enter',
    interrupt: ['ctrl-c'],
    asks: [String.raw`\(Y\)es/\(N\)o`],
  },
  codex: {
    submit: 'enter',
    interrupt: ['escape'],
    ready: [
      String.raw`\? for shortcuts`,
      'Ask Codex to do anything',
      'Conversation interrupted',
      String.raw`Worked for \d`,
    ],
    busy: ['esc to interrupt'],
    asks: ['Press enter to (?:confirm|continue)', 'Would you like to', 'Do you trust'],
  },
  gemini: {
    submit: 'enter',
    // Enter within 800 ms of a paste counts as part of the paste.
    rest_ms: 800,
    interrupt: ['escape'],
    ready: [String.raw`\[title ◇ +Ready`],
    busy: [String.raw`\[title ✦ +Working`],
    asks: [
      String.raw`\[title ✋`,
      'Allow once',
      'Apply this change',
      'Waiting for user confirmation',
      'Do you trust',
      'How would you like to authenticate',
    ],
  },
  opencode: {
    submit: 'enter',
    // The first Escape asks for a second one.
    interrupt: ['escape', 'escape'],
    ready: ['Ask anything', '· interrupted', String.raw` · (?:\d+m )?[\d.]+s\b`],
    busy: ['esc (?:again to )?interrupt'],
    asks: ['Permission required', 'Allow once'],
    asks_until_ready: true,
  },
} as const satisfies Record<string, AdapterRecord>;
