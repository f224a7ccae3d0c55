/** The host dies by SIGKILL while output flows; the next one finds everything, once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { isAlive, type ProcessIdentity } from '../../../src/host/process/proc.ts';
import { JournalReader } from '../../../src/host/shim/client/reader.ts';
import { type ProcessSpec, RecordType, type SwapRecord } from '../../../src/host/shim/shim-protocol.ts';
import { PROGRAMS, program, ShimLab, until } from '../../support/shim.ts';

const lab = new ShimLab();
const launchers: ChildProcess[] = [];
afterEach(() => {
  for (const launcher of launchers) launcher.kill('SIGKILL');
  lab.clean();
});

/** A host in a process of its own, whose shim already produces output. */
async function hostedRun(spec: ProcessSpec, swap?: object) {
  const start = lab.startLine({ journal_segment_bytes: 1024 * 1024, journal_bytes_max: 64 * 1024 * 1024 });
  const offsetFile = join(lab.directory(), 'offset');
  const args = [join(PROGRAMS, 'launcher.ts'), JSON.stringify(start), JSON.stringify(spec), offsetFile];
  if (swap) args.push(JSON.stringify(swap));
  const host = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  launchers.push(host);
  let printed = '';
  host.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  await until('the launcher to speak', () => printed.includes('\n'));
  const identity = JSON.parse(printed.split('\n')[0]!) as ProcessIdentity;
  lab.adopt(identity);
  const processed = () => (existsSync(offsetFile) ? Number(readFileSync(offsetFile, 'utf8')) : 0);
  const kill = async () => {
    host.kill('SIGKILL');
    await once(host, 'exit');
    return processed();
  };
  return { start, identity, processed, kill, said: () => printed };
}

/** Output of process 0 between two offsets. */
function output(dir: string, from: number, to: number): string {
  const reader = new JournalReader(dir, from);
  const parts: Buffer[] = [];
  for (let records = reader.read(); records.length > 0; records = reader.read()) {
    for (const record of records) {
      if (record.end > to) break;
      if (record.type === RecordType.out && record.process === 0) parts.push(record.payload);
    }
  }
  reader.close();
  return Buffer.concat(parts).toString('latin1');
}

test.each([false, true])('not one byte is lost or doubled over the kill (terminal: %s)', async (pty) => {
  const count = 400_000;
  const host = await hostedRun(program('numbered.mjs', [String(count), '2'], { pty }));
  await until('output to flow', () => host.processed() > 300_000);
  const processed = await host.kill();
  expect(isAlive(host.identity)).toBe(true);
  const before = output(host.start.dir, 0, processed);

  const client = await lab.connect(host.start.socket, 2);
  expect(client.status.current).toBe(0);
  expect(client.status.offset).toBeGreaterThanOrEqual(processed);
  const adopted = lab.watch(host.start, host.identity, client, processed);
  expect(await adopted.over(25_000)).toMatchObject({ code: 7, cause: 'exited' });

  const newline = pty ? '\r\n' : '\n';
  const numbers = (before + adopted.journal.text(0)).split(newline);
  expect(numbers.pop()).toBe('');
  expect(numbers).toHaveLength(count);
  const wrong = numbers.findIndex((text, index) => Number(text) !== index + 1);
  expect(wrong).toBe(-1);
});

test('a swap goes on when its host is killed in the middle of it', async () => {
  const terminal = program('echo.mjs', [], { pty: true, role: 'terminal' });
  const swap = {
    opId: 'w1',
    from: 0,
    stop: { term_ms: 500, kill_ms: 5_000 },
    to: terminal,
    fallback: program('echo.mjs'),
    settle_ms: 300,
  };
  const host = await hostedRun(program('stubborn.sh'), swap);
  await until('the swap to be under way', () => host.said().includes('swapping'));
  await host.kill();
  const client = await lab.connect(host.start.socket, 2);
  expect(client.status.swapping).toBe(true);
  const adopted = lab.watch(host.start, host.identity, client);
  await until('the swap', () => adopted.journal.read().all(RecordType.swap).length === 2);
  expect(adopted.journal.all<SwapRecord>(RecordType.swap).map((record) => record.phase)).toEqual([
    'begun',
    'done',
  ]);
  await adopted.printed(1, 'ready');
  await client.write(1, 'f1', 'exit 11\r');
  expect(await adopted.over()).toMatchObject({ code: 11 });
});

test('a run that ends while no host is there is found ended', async () => {
  const host = await hostedRun(program('numbered.mjs', ['20000', '5']));
  await until('output to flow', () => host.processed() > 0);
  const processed = await host.kill();
  await until('the shim to end', () => !isAlive(host.identity), 15_000);
  await expect(lab.connect(host.start.socket, 2)).rejects.toMatchObject({ code: 'shim.unreachable' });
  const numbers =
    `${output(host.start.dir, 0, processed)}${output(host.start.dir, processed, Infinity)}`.split('\n');
  expect(numbers).toHaveLength(20_001);
});
