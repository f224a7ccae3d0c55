/**
 * An engine that runs from an execute-only copy, and a program beside it in the same box that reaches for it by every
 * way there is. Without a filter of system calls: the kernel alone has to refuse.
 */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/host/clock.ts';
import { engineProgram } from '../../../src/host/sandboxes/engine-program.ts';
import { ProgramCopies } from '../../../src/host/sandboxes/program-copies.ts';
import { claudeBinary } from '../../support/engines.ts';
import { inSmallBox, type SmallBox, users } from '../../support/small-box.ts';

const PROGRAMS = resolve(import.meta.dirname, '../../fixtures/programs');
const INSIDE = '/tmp/engine';
/** Succeeds once something listens where Node's inspector does. */
const DEBUGGER = `
import socket, time
for attempt in range(10):
    try:
        socket.create_connection(("127.0.0.1", 9229))
        break
    except OSError:
        time.sleep(0.1)
else:
    raise SystemExit(1)`;
const IDLE = 'setInterval(() => {}, 1000)';

let copies: ProgramCopies;
beforeAll(() => {
  const root = fs.mkdtempSync(join(tmpdir(), 'aether-undumpable-'));
  // The ordinary user's box is started by that user; the host's own would be handed the open file.
  fs.chmodSync(root, 0o711);
  copies = new ProgramCopies(root, systemClock);
  afterAll(() => fs.rmSync(root, { recursive: true }));
});

/** Where the copy of this command's program is, and the command that runs it. */
async function copied(argv: string[]): Promise<{ copy: string; command: string[] }> {
  const program = await engineProgram({ argv, env: {}, cwd: '/' });
  if (program.file === null) throw new Error(program.why);
  return { copy: join(copies.directory, await copies.of(program.file)), command: program.argv(INSIDE) };
}

const quoted = (words: string[]) => words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

/** Starts the engine with a stdin that stays open, and then the program that reaches for it. */
async function reached(box: SmallBox, engine: string[], then = '', as = ''): Promise<Record<string, string>> {
  const script = `
    mkfifo /tmp/in; exec 8<>/tmp/in
    ${quoted(engine)} < /tmp/in > /tmp/out 2>&1 &
    engine=$!
    while ! grep -q '^${INSIDE}' /proc/$engine/cmdline; do kill -0 $engine || break; done
    ${then}
    kill -0 $engine || { cat /tmp/out; exit 9; }
    exec ${as} /usr/bin/python3 ${PROGRAMS}/reach.py $engine`;
  return JSON.parse((await inSmallBox(box, ['/bin/sh', '-c', script])).trim().split('\n').at(-1)!);
}

/** What remains: its arguments, that it exists; and for root the numbers of its descriptors, and a counter. */
const OPEN_TO_ALL = ['cmdline', 'pidfd_open'];
const OPEN_TO_ROOT = [...OPEN_TO_ALL, 'clear_refs', 'list of fd'];

function expectRefused(outcome: Record<string, string>, uid: number): void {
  const open = Object.keys(outcome).filter((way) => !/^E(ACCES|PERM)$/.test(outcome[way]!));
  expect(open.sort()).toEqual([...(uid === 0 ? OPEN_TO_ROOT : OPEN_TO_ALL)].sort());
  for (const way of [
    'mem',
    'environ',
    'write fd/0',
    'task mem',
    'pidfd_getfd',
    'process_vm_writev',
    'ptrace SEIZE',
  ])
    expect(outcome, way).toHaveProperty([way]);
}

describe.each(users)('in a box started by $name', ({ uid }) => {
  test('an engine that runs from its own file is open to every program beside it', async () => {
    const outcome = await reached({ uid, show: [PROGRAMS, [process.execPath, INSIDE]] }, [
      INSIDE,
      '-e',
      IDLE,
    ]);
    for (const way of ['mem', 'environ', 'fd/0', 'pidfd_getfd', 'process_vm_writev', 'ptrace SEIZE'])
      expect(outcome[way], way).toBe('ok');
  });

  test.each(['closed', 'own', 'shared'] as const)(
    'Node from a copy is closed (user namespace: %s)',
    async (userNamespace) => {
      const { copy, command } = await copied([process.execPath, '-e', IDLE]);
      const box: SmallBox = { uid, userNamespace, show: [PROGRAMS, [copy, INSIDE]] };
      expectRefused(await reached(box, command), uid);
    },
  );

  test('also to a program that has every capability in a user namespace of its own', async () => {
    const { copy, command } = await copied([process.execPath, '-e', IDLE]);
    const box: SmallBox = { uid, userNamespace: 'own', show: [PROGRAMS, [copy, INSIDE]] };
    const capable = 'unshare --user --keep-caps grep -q "CapEff:.*1ff" /proc/self/status || exit 5';
    const outcome = await reached(box, command, capable, 'unshare --user --keep-caps');
    expectRefused(outcome, uid);
  });

  test('also where the copy belongs to the user whose box it is, who cannot change it there', async () => {
    const { copy, command } = await copied([process.execPath, '-e', IDLE]);
    const own = `${copy}.own`;
    fs.copyFileSync(process.execPath, own);
    fs.chownSync(own, uid, uid);
    fs.chmodSync(own, 0o111);
    const changed = `
      for try in 'chmod 755 ${INSIDE}' 'cat ${INSIDE}' 'true >> ${INSIDE}' 'mv ${INSIDE} /tmp/x' 'rm -f ${INSIDE}'; do
        sh -c "$try" > /dev/null 2>&1 && { echo "$try succeeded"; exit 8; }
      done`;
    expectRefused(await reached({ uid, show: [PROGRAMS, [own, INSIDE]] }, command, changed), uid);
    fs.rmSync(own);
  });

  test('a script for Node is closed as well, and no signal opens a debugger in it', async () => {
    const dir = fs.mkdtempSync(join(tmpdir(), 'aether-script-'));
    fs.chmodSync(dir, 0o755);
    const script = join(dir, 'engine.cjs');
    fs.writeFileSync(script, `#!${process.execPath}\nconsole.log('up'); ${IDLE}\n`, { mode: 0o755 });
    const { copy, command } = await copied([script]);
    const signal = `
      while ! grep -q up /tmp/out; do kill -0 $engine || break; done
      kill -USR1 $engine
      /usr/bin/python3 -c '${DEBUGGER}' 2> /dev/null`;
    const open: SmallBox = { uid, show: [PROGRAMS, script, [process.execPath, INSIDE]] };
    await expect(reached(open, [INSIDE, script], `${signal} && exit 7`)).rejects.toThrow('ended with 7');
    expectRefused(
      await reached({ uid, show: [PROGRAMS, script, [copy, INSIDE]] }, command, `${signal} && exit 7`),
      uid,
    );
    fs.rmSync(dir, { recursive: true });
  });

  test('Claude Code works from a copy and is closed', async () => {
    const { copy, command } = await copied([
      ...[
        claudeBinary(),
        '-p',
        '--input-format',
        'stream-json',
        '--output-format',
        'stream-json',
        '--verbose',
      ],
    ]);
    const request = JSON.stringify({
      type: 'control_request',
      request_id: 'r1',
      request: { subtype: 'initialize' },
    });
    const answered = `
      echo '${request}' >&8
      for try in $(seq 100); do grep -q '"request_id":"r1"' /tmp/out && break; sleep 0.1; done
      grep -q '"subtype":"success"' /tmp/out || { cat /tmp/out; exit 6; }`;
    const env = {
      ...{ HOME: '/tmp/home', TMPDIR: '/tmp', CLAUDE_CONFIG_DIR: '/tmp/config', LANG: 'C.UTF-8' },
      ...{ ANTHROPIC_API_KEY: 'sk-ant-dummy', ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' },
      ...{ DISABLE_AUTOUPDATER: '1', DISABLE_TELEMETRY: '1', DISABLE_ERROR_REPORTING: '1' },
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    };
    const box: SmallBox = { uid, env, show: [PROGRAMS, [copy, INSIDE]] };
    expectRefused(await reached(box, command, answered), uid);
  });
});
