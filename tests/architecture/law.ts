/**
 * The import law as data: which room of the house may import which. Everything that is not listed is forbidden.
 * `import type` counts as an import unless the target stands under `types`.
 */

import { readdirSync } from 'node:fs';

export interface Room {
  /** Name used in this table. */
  name: string;
  /** Paths below src/: a directory (with '/') or one file. The longest match decides which room a file is in. */
  paths: string[];
  /** Rooms it may import; its own files always. */
  may: string[];
  /** Rooms it may import as types only. */
  types?: string[];
  /** npm packages it may import; 'any' where the room is not fenced. `node:*` is `node`. */
  packages: string[] | 'any';
  /** Packages as types only. */
  packageTypes?: string[];
  node: boolean;
}

/** Rooms of facts and storage that most of the host stands on. */
const BASE = ['ground', 'process', 'store'];
const GROUND_TYPES = ['contract', 'config-types', 'wire'];
const DOMAIN = ['events', 'terminals', 'sandboxes', 'workspaces', 'memory', 'mailboxes', 'approvals'];

/** A domain room knows what it stands on and the log, and none of its neighbours. */
const domain = (name: string, more: Partial<Room> = {}): Room => ({
  name,
  paths: [`host/${name}/`],
  may: [...BASE, ...(name === 'events' ? [] : ['events'])],
  types: GROUND_TYPES,
  packages: 'any',
  node: true,
  ...more,
});

/** The parts of operations, the highest first: each may use those that stand below it. */
export const operationParts = [
  'boot',
  'fleet',
  'takeover',
  'lifecycle',
  'launch',
  'recall',
  'gate',
  'messages',
  'turn',
  'upkeep',
];
const part = (name: string) => `operations-${name}`;

/** Each folder is a runtime: to add one is no edit here. */
const runtimes = readdirSync(new URL('../../src/runtimes/', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

export const rooms: Room[] = [
  /* ---- what everybody may stand on ---- */
  {
    name: 'ground',
    types: ['contract'],
    paths: [
      'host/beneath.ts',
      'host/clock.ts',
      'host/found-words.ts',
      'host/ids.ts',
      'host/keyed-queue.ts',
      'host/limits.ts',
      'host/log.ts',
      'host/names.ts',
      'host/node-flags.ts',
      'host/paths.ts',
      'host/principals.ts',
      'host/sandboxes/kinds.ts',
      'host/script.ts',
      'host/single-flight.ts',
      'host/written-path.ts',
    ],
    may: [],
    packages: ['pino'],
    node: true,
  },
  /** Types a client of the host speaks, and the contract of a runtime: no code. */
  {
    name: 'contract',
    // Names of verbs are written by the generator, from the definitions.
    paths: [
      'host/api.ts',
      'host/memory-views.ts',
      'host/shapes.ts',
      'host/events/topics.ts',
      'host/verbs/names.ts',
      'runtimes/adoption.ts',
      'runtimes/turn-habits.ts',
      'runtimes/definition.ts',
      'runtimes/runtime.ts',
    ],
    may: [],
    types: ['ground', 'contract', 'wire'],
    packages: [],
    packageTypes: ['zod'],
    node: false,
  },
  {
    name: 'wire',
    paths: [
      'host/shim/shim-protocol.ts',
      'host/egress/egress-protocol.ts',
      'host/control/control-protocol.ts',
      'mcp-tools/bridge/bridge-protocol.ts',
      'runtimes/builtin/loop/loop-protocol.ts',
      'runtimes/openclaw/driver/driver-protocol.ts',
    ],
    may: [],
    types: ['ground', 'contract', 'wire'],
    packages: [],
    node: false,
  },
  {
    name: 'config-types',
    paths: ['host/config/types.ts'],
    may: [],
    types: ['contract', 'ground'],
    packages: [],
    node: false,
  },

  /* ---- leaf programs: processes of their own, small, without the rest of the house ---- */
  {
    name: 'shim-program',
    // The process room is written for this program too: pids and libc, no agents, no packages but koffi.
    paths: ['host/shim/process/'],
    may: ['wire', 'shim-format', 'process', 'doors', 'errors', 'lines', 'text', 'joined-sockets'],
    packages: ['node-pty', 'koffi'],
    node: true,
  },
  /** Reads what an agent sends to the internet: no other code of ours stands behind it. */
  {
    name: 'egress-program',
    paths: ['host/egress/process/'],
    may: ['wire', 'egress-rules', 'errors', 'text', 'joined-sockets'],
    packages: [],
    node: true,
  },
  { name: 'bridge', paths: ['mcp-tools/bridge/'], may: [], types: ['wire'], packages: [], node: true },
  {
    name: 'loop',
    paths: ['runtimes/builtin/loop/'],
    may: ['wire', 'errors', 'text', 'builtin-models', 'permission-rules', 'write-lines'],
    packages: [
      'ai',
      '@ai-sdk/anthropic',
      '@ai-sdk/google',
      '@ai-sdk/openai-compatible',
      'ollama-ai-provider-v2',
      '@modelcontextprotocol/client',
      'zod',
    ],
    node: true,
  },

  /** Starts OpenClaw's gateway and speaks to it; and the plugin that it has inside. */
  {
    name: 'openclaw-driver',
    paths: ['runtimes/openclaw/driver/'],
    may: ['wire', 'text', 'permission-rules', 'openclaw-tools', 'write-lines'],
    packages: ['ws'],
    node: true,
  },

  /* ---- the host ---- */
  { name: 'process', paths: ['host/process/'], may: ['ground'], packages: ['koffi'], node: true },
  /** Sockets that are listened on and connected to: who gets a place. Every server of ours stands behind it. */
  { name: 'doors', paths: ['host/doors/'], may: ['ground', 'process'], packages: [], node: true },
  {
    name: 'store',
    paths: ['host/store/'],
    may: ['ground', 'memory-words'],
    types: GROUND_TYPES,
    packages: ['better-sqlite3'],
    node: true,
  },
  {
    name: 'config',
    paths: ['host/config/'],
    may: ['ground', 'config-types', 'runtime-list', 'egress-rules'],
    types: ['contract'],
    packages: ['yaml', 'zod', 'chokidar'],
    node: true,
  },
  {
    name: 'shim-client',
    paths: ['host/shim/client/'],
    may: ['ground', 'process', 'wire', 'shim-format', 'door-client'],
    packages: 'any',
    node: true,
  },
  domain('events'),
  /** What an event says, for every renderer: also in the browser. */
  {
    name: 'event-words',
    paths: ['host/events/sentences.ts', 'host/events/duration.ts'],
    may: [],
    types: ['contract', 'errors'],
    packages: [],
    node: false,
  },
  domain('terminals', { may: [...BASE, 'events', 'shim-client', 'wire', 'screen'] }),
  /** What a terminal shows: an emulator, its thread, and how a screen is written down. */
  {
    name: 'screen',
    paths: ['host/terminals/screen/'],
    may: ['ground', 'shim-client', 'wire', 'terminal-shared'],
    types: ['contract'],
    packages: ['@xterm/headless'],
    node: true,
  },
  /** What the emulator of the host and the terminal of the page have in common. */
  { name: 'terminal-shared', paths: ['host/terminals/shared/'], may: [], packages: [], node: false },
  // What a box is started with is handed over by the shim.
  domain('sandboxes', { may: [...BASE, 'events', 'wire', 'egress-rules'] }),
  domain('workspaces'),
  domain('memory', { may: [...BASE, 'events', 'memory-words', 'memory-formats'] }),
  /** What search makes of texts and queries: the store removes the words of a memory by the same rules. */
  {
    name: 'memory-words',
    paths: ['host/memory/search/'],
    may: ['ground', 'text'],
    packages: ['stemmer'],
    node: true,
  },
  /** Memories in files: the command line and the page read and write them. */
  {
    name: 'memory-formats',
    paths: ['host/memory/formats/'],
    may: ['text'],
    types: ['contract'],
    packages: [],
    node: false,
  },
  domain('mailboxes'),
  domain('approvals'),
  // What the tools do: every MCP call goes through it to the nouns.
  domain('ledger', {
    may: [...BASE, 'events', 'memory', 'mailboxes', 'approvals'],
    types: [...GROUND_TYPES, 'verbs'],
  }),
  {
    name: 'runs',
    paths: ['host/runs/'],
    may: [...BASE, 'events', 'shim-client', 'shim-format', 'sandboxes', 'wire'],
    types: [...GROUND_TYPES, 'doors'],
    packages: 'any',
    node: true,
  },
  {
    name: 'agents',
    paths: ['host/agents/'],
    may: ['ground', 'store', 'runs', 'events'],
    types: [...GROUND_TYPES, 'verbs'],
    packages: 'any',
    node: true,
  },
  /** What crosses nouns: no file stands beside its parts but what all of them share. */
  {
    name: 'operations',
    paths: ['host/operations/'],
    may: [],
    packages: [],
    node: false,
  },
  ...operationParts.map(
    (name, at): Room => ({
      name: part(name),
      paths: [`host/operations/${name}/`],
      may: [
        ...[...BASE, ...DOMAIN, 'runs', 'agents', 'config', 'shim-client', 'shim-format', 'wire', 'legality'],
        ...(name === 'boot' ? ['ledger'] : []),
        ...(name === 'launch' ? ['egress-rules'] : []),
        ...operationParts.slice(at + 1).map(part),
        'operations-shared',
      ],
      types: [...GROUND_TYPES, 'verbs'],
      packages: 'any',
      node: true,
    }),
  ),
  {
    name: 'operations-shared',
    paths: ['host/operations/notes.ts', 'host/operations/wiring.ts'],
    may: [...BASE, ...DOMAIN, 'runs', 'agents', 'config'],
    types: [...GROUND_TYPES, 'operations-gate', 'doors'],
    packages: [],
    node: true,
  },
  {
    name: 'claim',
    paths: ['host/claim.ts'],
    may: BASE,
    types: ['config-types'],
    packages: [],
    node: true,
  },
  /** The nouns as verbs ask for them. */
  {
    name: 'rooms',
    paths: ['host/rooms.ts'],
    may: ['ground', ...DOMAIN, 'operations', 'verbs'],
    types: GROUND_TYPES,
    packages: [],
    node: false,
  },
  /**
   * What clients may ask for. They are given the nouns and import none of them: the browser and the CLI import the
   * definitions as types, and would get the whole house otherwise.
   */
  {
    name: 'verbs',
    paths: ['host/verbs/'],
    may: ['ground', 'legality'],
    types: ['contract'],
    packages: ['zod'],
    node: false,
  },

  /* ---- doors ---- */
  {
    name: 'control',
    paths: ['host/control/'],
    may: ['ground', 'wire', 'verbs', 'doors'],
    types: ['contract'],
    packages: ['zod'],
    node: true,
  },
  {
    name: 'cli',
    paths: ['host/cli/'],
    may: ['memory-formats', 'ground', 'wire', 'control-client', 'sockets', 'event-words', 'screen'],
    // What main.ts offers to the verbs that work without a host is described here; its code is reached below.
    types: ['contract', 'operations', 'config', 'verbs', 'recorded'],
    packages: ['commander'],
    node: true,
  },
  {
    name: 'cli-front-door',
    paths: ['host/cli/front-door.ts'],
    may: ['main', 'recorded'],
    types: ['contract', 'operations', 'config'],
    packages: [],
    node: false,
  },
  /** What a state directory has recorded, for a command that finds no host. */
  {
    name: 'recorded',
    paths: ['host/recorded.ts'],
    may: ['ground', 'store', 'events', 'runs'],
    types: ['contract'],
    packages: [],
    node: true,
  },
  {
    name: 'mcp-tools',
    paths: ['mcp-tools/'],
    may: ['ground'],
    types: ['contract', 'wire', 'ledger', 'approvals', 'events'],
    packages: ['zod'],
    packageTypes: ['@modelcontextprotocol/server'],
    node: true,
  },
  {
    name: 'mcp-server',
    paths: ['mcp-tools/server.ts', 'mcp-tools/transports/'],
    may: ['ground', 'mcp-tools', 'wire', 'doors'],
    types: ['contract'],
    packages: ['zod', '@modelcontextprotocol/server'],
    node: true,
  },
  {
    name: 'console',
    paths: ['console/'],
    may: ['ground', 'verbs', 'console-wire', 'doors'],
    types: ['contract'],
    packages: ['hono', '@hono/node-server', 'ws', 'zod'],
    node: true,
  },
  {
    name: 'console-wire',
    paths: ['console/console-protocol.ts'],
    may: [],
    types: ['contract', 'ground', 'verbs'],
    packages: [],
    node: false,
  },
  {
    name: 'web',
    paths: ['console/web/'],
    may: ['console-wire', 'event-words', 'text', 'shown', 'terminal-shared', 'memory-formats'],
    types: ['contract'],
    packages: [
      'preact',
      '@preact/signals',
      '@xterm/xterm',
      '@xterm/addon-fit',
      '@xterm/addon-search',
      '@xterm/addon-web-links',
    ],
    node: false,
  },

  {
    name: 'web-build',
    paths: ['console/web/vite.config.ts'],
    may: [],
    packages: ['vite'],
    node: true,
  },

  /* ---- engines ---- */
  ...runtimes.map(
    (name): Room => ({
      name: `runtime-${name}`,
      paths: [`runtimes/${name}/`],
      may: ['ground', 'wire', 'loop-entries', 'event-lines'],
      types: ['contract'],
      // execa: asking an engine's program for its version.
      packages: ['zod', 'execa'],
      node: true,
    }),
  ),
  /** What a runtime says of itself without its engine's code. */
  ...runtimes.map(
    (name): Room => ({
      name: `runtime-${name}-definition`,
      paths: [`runtimes/${name}/definition.ts`],
      may: ['ground'],
      types: ['contract'],
      packages: ['zod'],
      node: true,
    }),
  ),
  {
    name: 'runtime-list',
    paths: ['runtimes/installed.ts'],
    may: ['errors', ...runtimes.map((name) => `runtime-${name}-definition`)],
    types: ['contract'],
    packages: [],
    node: false,
  },

  /* ---- parts of a room that others may use where the room as a whole is closed to them ---- */
  {
    name: 'control-client',
    paths: ['host/control/client.ts', 'host/control/host-proof.ts'],
    may: ['ground', 'wire', 'door-client', 'process'],
    types: ['contract', 'verbs'],
    packages: [],
    node: true,
  },
  /** No package behind it, so programs that have to stay small may use it. */
  { name: 'errors', paths: ['host/errors.ts'], may: [], packages: [], node: false },
  /** Cuts text between characters; nothing behind it, because the browser cuts text, too. */
  { name: 'text', paths: ['host/text.ts'], may: [], packages: [], node: false },
  /** Text of an agent as it is shown to who judges it: by the command line and by the browser alike. */
  { name: 'shown', paths: ['host/shown/'], may: ['text'], packages: [], node: false },
  /** How files are read that somebody else may have put there. */
  { name: 'files', paths: ['host/files.ts'], may: [], packages: [], node: true },
  /** One message a line: every door, and the shim's. */
  { name: 'lines', paths: ['host/line-reader.ts'], may: [], packages: [], node: true },
  { name: 'joined-sockets', paths: ['host/joined-sockets.ts'], may: [], packages: [], node: true },
  /** What `network:` means: the configuration checks it, the proxy decides by it. */
  {
    name: 'egress-rules',
    paths: ['host/egress/rules.ts', 'host/egress/addresses.ts', 'host/egress/upstream.ts'],
    may: [],
    types: ['wire'],
    packages: [],
    node: true,
  },
  /** How the journal is written and read: both sides of the shim. */
  {
    name: 'shim-format',
    paths: ['host/shim/format.ts', 'host/shim/tail.ts'],
    may: ['wire', 'files'],
    packages: [],
    node: true,
  },
  /** Which models there are and where their log-in is found: the schema of a runtime, for the configuration. */
  {
    name: 'builtin-models',
    paths: ['runtimes/builtin/models.ts'],
    may: ['errors'],
    types: ['contract'],
    packages: [],
    node: false,
  },
  /** The conversation file of the loop, which its runtime reads while a person holds the terminal. */
  {
    name: 'loop-entries',
    paths: ['runtimes/builtin/loop/entries.ts'],
    may: ['wire'],
    packages: [],
    packageTypes: ['ai'],
    node: true,
  },
  /** Engines whose program of ours prints events, one a line. */
  {
    name: 'event-lines',
    paths: ['runtimes/event-lines.ts'],
    may: ['text'],
    types: ['contract'],
    packages: ['zod'],
    node: false,
  },
  { name: 'write-lines', paths: ['runtimes/write-lines.ts'], may: [], packages: [], node: true },
  /** Engines whose rules are ours to apply. */
  {
    name: 'permission-rules',
    paths: ['runtimes/permission-rules.ts'],
    may: [],
    types: ['contract'],
    packages: [],
    node: false,
  },
  /** What the tools of OpenClaw do: the host judges by it, and the driver. */
  {
    name: 'openclaw-tools',
    paths: ['runtimes/openclaw/tools.ts'],
    may: [],
    types: ['contract'],
    packages: [],
    node: false,
  },
  { name: 'door-client', paths: ['host/doors/connect.ts'], may: [], packages: [], node: true },
  /** Refusals by the table of legal verbs, for operations that decide in between. */
  {
    name: 'legality',
    paths: ['host/verbs/legal.ts'],
    may: ['errors'],
    types: ['contract'],
    packages: [],
    node: false,
  },
  { name: 'sockets', paths: ['host/process/sockets.ts'], may: ['ground'], packages: [], node: true },

  /** Tooling of the checkout: installs, builds, writes the files that follow from definitions. Not shipped. */
  { name: 'build', paths: ['build/'], may: ['*'], packages: 'any', node: true },

  /* ---- the front door: the only file that imports every room ---- */
  { name: 'main', paths: ['host/main.ts'], may: ['*'], packages: 'any', node: true },
  /** Wires the rooms together, and what that needs of the installation. Imported by main alone. */
  {
    name: 'assembly',
    paths: ['host/assemble.ts', 'host/installation.ts', 'host/planning.ts'],
    may: ['*'],
    packages: [],
    node: true,
  },
];

/** A part belongs to its room: what may import the room may import the part, and the part's room may use it. */
export const partOf: Record<string, string> = {
  errors: 'ground',
  text: 'ground',
  shown: 'ground',
  files: 'ground',
  lines: 'ground',
  'joined-sockets': 'ground',
  'event-words': 'events',
  'memory-words': 'memory',
  'builtin-models': 'runtime-builtin',
  screen: 'terminals',
  'loop-entries': 'loop',
  'openclaw-tools': 'runtime-openclaw',
  ...Object.fromEntries(runtimes.map((name) => [`runtime-${name}-definition`, `runtime-${name}`])),
  'web-build': 'web',
  'control-client': 'control',
  legality: 'verbs',
  sockets: 'process',
  'door-client': 'doors',
  'mcp-server': 'mcp-tools',
  'cli-front-door': 'cli',
  ...Object.fromEntries([...operationParts, 'shared'].map((name) => [part(name), 'operations'])),
};

/** Rooms whose parts see of each other only what their rows name. */
export const layered = new Set(['operations']);

/** Programs that run beside every agent: all that their files pull in, taken together, may be no more than this. */
export const leafPrograms: { entry: string; packages: string[] }[] = [
  { entry: 'host/shim/process/main.ts', packages: ['node-pty', 'koffi'] },
  { entry: 'host/egress/process/main.ts', packages: [] },
  { entry: 'mcp-tools/bridge/main.cts', packages: [] },
  { entry: 'runtimes/openclaw/driver/main.ts', packages: ['ws'] },
  { entry: 'runtimes/openclaw/driver/guard.ts', packages: [] },
];
