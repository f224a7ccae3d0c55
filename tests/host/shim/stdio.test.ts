/** What stdin and stdout are: pipes that programs can open by name, or sockets that none beside the process can. */
import { afterEach, expect, test } from 'vitest';
import type { ProcessSpec, Stdio } from '../../../src/host/shim/shim-protocol.ts';
import { program, ShimLab, shell } from '../../support/shim.ts';

const lab = new ShimLab();
afterEach(() => lab.clean());

const on = (stdio: Stdio, spec: ProcessSpec): ProcessSpec => ({ ...spec, io: { kind: 'pipes', stdio } });

test('a program on pipes may open its streams by name', async () => {
  const { client, journal, over } = await lab.launch();
  const script = 'echo out > /dev/stdout; echo err > /dev/stderr; cat /dev/stdin';
  await client.start('s1', on('pipe', shell(script)));
  await client.write(0, 'f1', 'first\n');
  await client.write(0, 'f2', 'second\n');
  await client.stop('x', { close_stdin_ms: 5_000, term_ms: 1_000, kill_ms: 1_000 }, 'test');
  await over();
  expect(journal.text(0)).toBe('out\nfirst\nsecond\n');
  expect(journal.text(0, 'err')).toBe('err\n');
});

/** An engine that waits for an answer, and a program of it that answers instead, by each way there is to open a stream. */
const ANSWERED = `
for way in /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/task/$$/fd/0; do
  (echo forged > $way) 2>&1 | sed 's/.*: //' >&2
done
(exec < /proc/$$/fd/0) 2>&1 | sed 's/.*: //' >&2
echo asked
read -r answer; echo "answer: $answer"
echo over >&2; cat`;

test('on pipes a program of the engine answers in place of the host; on sockets no stream can be opened', async () => {
  const open = await lab.launch();
  await open.client.start(
    's1',
    on('pipe', shell('echo forged > /proc/$$/fd/0; read -r a; echo "answer: $a"')),
  );
  await open.over();
  expect(open.journal.text(0)).toBe('answer: forged\n');

  const { client, journal, printed, over } = await lab.launch();
  await client.start('s1', on('socketpair', shell(ANSWERED)));
  await printed(0, 'asked');
  await client.write(0, 'f1', 'real\n');
  await printed(0, 'answer:');
  await client.stop('x', { close_stdin_ms: 5_000, term_ms: 1_000, kill_ms: 1_000 }, 'test');
  await over();
  expect(journal.text(0)).toBe('asked\nanswer: real\n');
  const refused = journal.text(0, 'err').trim().split('\n');
  expect(refused).toEqual([...Array.from({ length: 4 }, () => 'No such device or address'), 'over']);
});

test('what a child writes into the stdin it inherited reaches nobody', async () => {
  const { client, journal, printed, over } = await lab.launch();
  await client.start(
    's1',
    on('socketpair', shell('(echo forged >&0); echo asked; read -r a; echo "answer: $a"')),
  );
  await printed(0, 'asked');
  await client.write(0, 'f1', 'real\n');
  await over();
  expect(journal.text(0)).toBe('asked\nanswer: real\n');
});

test('everything passes on sockets as on pipes: megabytes either way, the last words, the end of input', async () => {
  const { client, journal, printed, over } = await lab.launch();
  const script = `process.stdout.write('ready\\n');
    let bytes = 0;
    process.stdin.on('data', (chunk) => { bytes += chunk.length; });
    process.stdin.on('end', () => {
      process.stdout.write('x'.repeat(8_000_000) + bytes + '\\n');
      process.exitCode = 3;
    });`;
  await client.start(
    's1',
    on('socketpair', { ...program('echo.mjs'), argv: [process.execPath, '-e', script] }),
  );
  await printed(0, 'ready');
  await client.write(0, 'f1', Buffer.alloc(4_000_000, 120));
  await client.stop('x', { close_stdin_ms: 10_000, term_ms: 1_000, kill_ms: 1_000 }, 'test');
  expect(await over()).toMatchObject({ code: 3, cause: 'stopped' });
  const said = journal.text(0).slice('ready\n'.length);
  expect(said.length).toBe(8_000_000 + '4000000\n'.length);
  expect(said.endsWith('x4000000\n')).toBe(true);
});
