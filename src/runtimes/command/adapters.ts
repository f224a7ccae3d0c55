/**
 * Programs with a screen of their own that are known: which keys send and cancel, and which words on the screen tell
 * how it stands. Data: to know another program, add an entry, and its case in tests/programs.
 */

export interface Adapter {
  /** Keys that send what was typed. */
  submit: string;
  /** How long it has to rest after a paste before that key counts as one. Absent: the usual time. */
  rest_ms?: number;
  /** Keys that cancel what it does, each typed by itself. */
  interrupt: readonly string[];
  /** Words on its screen, as regular expressions; its title is there as [title …]. The newest of them counts. */
  marks: {
    /** It takes text. Null: it says so by switching bracketed paste on. */
    ready: string | null;
    /** It works. */
    busy: string | null;
    /** It waits for a choice, which Enter would make. */
    asks: string | null;
  };
  /** Words of work are drawn beside a question, too: only `ready` tells that it is answered. */
  asksUntilReady?: true;
}

const ENTER = '\r';
const ESCAPE = '\x1b';
const CTRL_C = '\x03';

/** By the names that `adapter:` takes. */
export const ADAPTERS = {
  aider: {
    submit: ENTER,
    interrupt: [CTRL_C],
    marks: { ready: null, busy: null, asks: String.raw`\(Y\)es/\(N\)o` },
  },
  codex: {
    submit: ENTER,
    interrupt: [ESCAPE],
    marks: {
      ready: String.raw`\? for shortcuts|Ask Codex to do anything|Conversation interrupted|Worked for \d`,
      busy: 'esc to interrupt',
      asks: 'Press enter to (?:confirm|continue)|Would you like to|Do you trust',
    },
  },
  gemini: {
    submit: ENTER,
    // Sooner, it takes Enter for a part of the paste.
    rest_ms: 800,
    interrupt: [ESCAPE],
    marks: {
      ready: String.raw`\[title ◇ +Ready`,
      busy: String.raw`\[title ✦ +Working`,
      asks: String.raw`\[title ✋|Allow once|Apply this change|Waiting for user confirmation|Do you trust|How would you like to authenticate`,
    },
  },
  opencode: {
    submit: ENTER,
    // The first one only asks whether it is meant.
    interrupt: [ESCAPE, ESCAPE],
    marks: {
      ready: String.raw`Ask anything|· interrupted| · (?:\d+m )?[\d.]+s\b`,
      busy: 'esc (?:again to )?interrupt',
      asks: 'Permission required|Allow once',
    },
    asksUntilReady: true,
  },
} as const satisfies Record<string, Adapter>;

export type AdapterName = keyof typeof ADAPTERS;
export const ADAPTER_NAMES = Object.keys(ADAPTERS) as [AdapterName, ...AdapterName[]];

export function adapterNamed(name: unknown): Adapter | null {
  return typeof name === 'string' && Object.hasOwn(ADAPTERS, name) ? ADAPTERS[name as AdapterName] : null;
}
