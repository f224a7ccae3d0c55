/**
 * Full-screen programs under a host: whoever comes later, to this host or the next, is shown what a terminal shows that
 * saw every byte, with the modes that were set once, megabytes ago. What they ask is answered, watched or not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ControlClient } from '../../src/host/control/client.ts';
import { limits } from '../../src/host/limits.ts';
import { JournalReader } from '../../src/host/shim/client/reader.ts';
import { type ProcessStatus, RecordType } from '../../src/host/shim/shim-protocol.ts';
import type { Emulator } from '../../src/host/terminals/screen/emulator.ts';
import { eventually } from '../support/eventually.ts';
import { journalLength } from '../support/journal.ts';
import { LiveFleet, sandboxShowing } from '../support/live-fleet.ts';
import { LONG } from '../support/run-tree.ts';
import { emulator, stateOf } from '../support/terminal-state.ts';

const PRINTED_BYTES = 2 * 1024 * 1024;
/** Of programs that draw a screen for each key: what the host keeps of theirs is the same kind of state. */
const DRAWN_BYTES = LONG ? PRINTED_BYTES : PRINTED_BYTES / 20;
const SIZE = { cols: 80, rows: 24 };
const LIMITS = {
  scrollback_lines_max: limits.terminal_scrollback_lines,
  scrollback_bytes_max: limits.terminal_scrollback_bytes_max,
};
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const TEXT = fileURLToPath(new URL('../../src/host/text.ts', import.meta.url));

/** A program, and the keys that make it draw everything again. */
const PROGRAMS: Record<string, { command: string[]; keys: string }> = {
  vim: { command: ['vim', '-u', 'NONE', '-N', '-c', 'set mouse=a number', TEXT], keys: '\x06\x02\x0c' },
  less: { command: ['less', TEXT], keys: ' b\x0c' },
  htop: { command: ['htop', '-d', '100'], keys: '\x0c' },
  tmux: { command: ['tmux', '-L', 'aether-test', '-f', '/dev/null', 'new', `less ${TEXT}`], keys: ' b' },
  // One of our own, which sets each mode once and then prints.
  own: { command: [process.execPath, fixture('terminals/every-mode.mjs')], keys: 'x' },
  colours: { command: [process.execPath, fixture('terminals/asks-again.mjs')], keys: '' },
  asks: { command: [process.execPath, fixture('terminals/asks.mjs')], keys: '' },
};

let fleet: LiveFleet;
let client: ControlClient;

beforeAll(async () => {
  const agents = Object.entries(PROGRAMS).map(([name, { command }]) => [
    name,
    { runtime: 'command', command, workspace: `./${name}`, restart: 'never' },
  ]);
  const claude = { runtime: 'claude-code', goal: 'Begin. [[say begun]]', workspace: './claude' };
  fleet = await LiveFleet.make({
    agents: { ...Object.fromEntries(agents), claude },
    defaults: { sandbox: sandboxShowing(TEXT) },
  });
  await fleet.up();
  client = await fleet.connect();
}, 60_000);
afterAll(async () => {
  client?.close();
  await fleet?.close();
});

async function journalOf(name: string): Promise<string> {
  return join(fleet.stateDir, 'runs', (await fleet.agent(name)).run!, 'journal');
}

/** What a terminal shows that was given all that was printed up to there. */
function sawAll(journal: string, shown: number, offset: number): Emulator {
  let saw: Emulator | null = null;
  const reader = new JournalReader(journal);
  while (reader.offset < offset) {
    for (const { type, process, payload, end } of reader.read()) {
      if (end > offset) break;
      if (process !== shown) continue;
      if (type === RecordType.spawned)
        saw = emulator((JSON.parse(payload.toString()) as ProcessStatus).size!, undefined, LIMITS);
      else if (type === RecordType.resized) {
        const { cols, rows } = JSON.parse(payload.toString()) as { cols: number; rows: number };
        saw!.resize(cols, rows);
      } else if (type === RecordType.out) saw!.write(payload);
    }
  }
  reader.close();
  return saw!;
}

/** A viewer comes, is shown the screen and a little of what follows: the same as `sawAll`. */
async function comesLater(name: string, press: () => Promise<unknown>): Promise<void> {
  const viewer = await fleet.connect();
  let shown: Emulator | null = null;
  let offset = 0;
  let process = 0;
  for await (const item of viewer.stream('attach', { agent: name })) {
    if (item.kind === 'screen') {
      process = item.info!.process;
      shown = emulator(item.info!, undefined, LIMITS);
      shown.write(Buffer.from(item.data, 'base64'));
      await press();
    } else if (item.kind === 'size') shown!.resize(item.cols, item.rows);
    else if (item.kind === 'chunk') {
      shown!.write(Buffer.from(item.data, 'base64'));
      offset = item.offset;
      break;
    }
  }
  viewer.close();
  expect(stateOf(shown!), name).toEqual(stateOf(sawAll(await journalOf(name), process, offset)));
}

for (const [name, { keys }] of Object.entries(PROGRAMS)) {
  if (keys === '') continue;
  test(`${name}: after all that it printed a viewer sees what is there`, async () => {
    const lease = await client.call('takeover', { agent: name, when: 'now', ...SIZE });
    const type = (data: string) =>
      client.call('terminalWrite', { agent: name, generation: lease.generation, data });
    const journal = await journalOf(name);
    await eventually('it has drawn', () => journalLength(journal) > 300);
    if (name === 'own') for (let step = 0; step < 6; step += 1) await type('x');
    const wanted = name === 'own' ? PRINTED_BYTES : DRAWN_BYTES;
    while (journalLength(journal) < wanted) {
      const before = journalLength(journal);
      await type(keys.repeat(20));
      // What is typed is in it as well.
      await eventually('it draws', () => journalLength(journal) > before + 20 * keys.length + 60, 20_000);
    }
    await comesLater(name, () => type(keys));
  }, 90_000);
}

test('claude: the terminal that takes the place of its engine, after it was resized and typed into', async () => {
  await fleet.idle('claude');
  const { generation } = await client.call('takeover', { agent: 'claude', when: 'now', ...SIZE });
  const lease = { agent: 'claude', generation };
  const type = (data: string) => client.call('terminalWrite', { ...lease, data });
  const journal = await journalOf('claude');
  const grows = async (bytes: number) => {
    const before = journalLength(journal);
    return () => journalLength(journal) > before + bytes;
  };
  for (const [cols, rows] of [
    [100, 30],
    [60, 20],
    [80, 24],
  ]) {
    await client.call('terminalResize', { ...lease, cols: cols!, rows: rows! });
    await eventually('it draws again', await grows(500));
    await type('“typed” ');
  }
  await comesLater('claude', () => type('more '));
}, 60_000);

test('a query is answered with nobody there, and never again', async () => {
  const answers = () => readFileSync(join(fleet.project, 'asks', 'answers'), 'utf8');
  await eventually('it has its answers', () => answers().includes('end'));
  const [attributes, cursor, version, background] = JSON.parse(answers().replace(/end$/, '')) as string[];
  expect(attributes).toBe('\x1b[?1;2c');
  expect(cursor).toBe('\x1b[4;9R');
  expect(version).toMatch(/^\x1bP>\|aether\(/);
  expect(background).toMatch(/^\x1b\]11;rgb:/);
  // Viewers come and go, and another host; the program would note what it is typed.
  const viewers = await Promise.all([fleet.connect(), fleet.connect()]);
  for (const viewer of viewers)
    for await (const item of viewer.stream('attach', { agent: 'asks' })) if (item.kind === 'screen') break;
  for (const viewer of viewers) viewer.close();
  client.close();
  await fleet.killHost();
  await fleet.up();
  client = await fleet.connect();
  for await (const item of client.stream('attach', { agent: 'asks' })) if (item.kind === 'screen') break;
  expect(answers()).toMatch(/end$/);
}, 60_000);

test('colours and the size of a cell are those of the window of the holder', async () => {
  const lease = await client.call('takeover', { agent: 'colours', when: 'now', ...SIZE });
  const held = { agent: 'colours', generation: lease.generation };
  const file = join(fleet.project, 'colours', 'heard');
  const heard = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await client.call('terminalWrite', { ...held, data: 'x' });
  await eventually('it hears of the dark', () => /x\x1b\]11;rgb:0b0b\/[^\x1b]*\x1b\\$/.test(heard()));
  const look = { theme: 'light' as const, cell: { width_px: 9, height_px: 18 } };
  await client.call('terminalResize', { ...held, ...SIZE, look });
  await client.call('terminalWrite', { ...held, data: 'x' });
  await eventually('it hears of the light', () => heard().endsWith('\x1b[6;18;9t'));
  expect(heard()).toContain('x\x1b]11;rgb:fcfc/fcfc/fdfd\x1b\\');
}, 30_000);

test('the next host shows what the one before it had drawn, and what was printed without any', async () => {
  for (const name of ['vim', 'tmux', 'own']) {
    const { generation } = await client.call('takeover', { agent: name, when: 'now', ...SIZE });
    await comesLater(name, () =>
      client.call('terminalWrite', { agent: name, generation, data: PROGRAMS[name]!.keys }),
    );
  }
}, 60_000);
