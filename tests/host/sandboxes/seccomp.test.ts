/** Each call that the filter refuses is made for real, in a box with it and in one without. */
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { architectureOf, seccompFilter } from '../../../src/host/sandboxes/seccomp.ts';
import { type Architecture, ERRNO, judged, refusals } from '../../../src/host/sandboxes/system-calls.ts';
import { verdictOf } from '../../support/bpf.ts';
import { inSmallBox, type SmallBox, users } from '../../support/small-box.ts';

const PROGRAMS = resolve(import.meta.dirname, '../../fixtures/programs');
const here = architectureOf(process.arch)!;

/** Attempt → errno, without a filter 'ok' or what the kernel itself says. */
async function attempts(uid: number, filter?: Buffer): Promise<Record<string, string>> {
  // User namespaces are left to the filter.
  const box: SmallBox = { uid, show: [PROGRAMS], userNamespace: 'own', ...(filter && { filter }) };
  return JSON.parse(await inSmallBox(box, ['/usr/bin/python3', `${PROGRAMS}/calls.py`]));
}

/** What is refused by an argument, and what depends on the machine. */
const REFUSED_BY_ARGUMENT = {
  'unshare user': 'EPERM',
  'unshare mount': 'EPERM',
  'unshare net': 'EPERM',
  'unshare time': 'EPERM',
  'clone user': 'EPERM',
  'clone user, high bits': 'EPERM',
  TIOCSTI: 'EPERM',
  'TIOCSTI, high bits': 'EPERM',
  TIOCLINUX: 'EPERM',
  AF_VSOCK: 'EAFNOSUPPORT',
  'AF_VSOCK, high bits': 'EAFNOSUPPORT',
  AF_ALG: 'EAFNOSUPPORT',
  AF_PACKET: 'EAFNOSUPPORT',
};

const PASSING = [
  ...[
    'pidfd_open',
    'pidfd_send_signal',
    'unshare files',
    'clone',
    'TIOCGWINSZ',
    'AF_UNIX',
    'AF_INET',
    'AF_INET6',
  ],
  ...['AF_NETLINK', 'subprocess', 'thread', 'seccomp'],
];

/** Calls by name with the errno they are refused with here. */
function refused(debug: boolean): Record<string, string> {
  const column = here === 'x64' ? 0 : 1;
  return Object.fromEntries(
    refusals
      .filter(({ debuggers }) => !(debug && debuggers))
      .flatMap(({ calls, errno }) =>
        Object.entries(calls)
          .filter(([, numbers]) => numbers[column] !== null)
          .map(([name]) => [name, errno]),
      ),
  );
}

describe.each(users)('in a box started by $name', ({ uid }) => {
  test('every refused call fails as the table says, and programs go on as ever', async () => {
    const outcome = await attempts(uid, seccompFilter(here, { debug: false }));
    expect(outcome).toMatchObject({
      ...refused(false),
      ...REFUSED_BY_ARGUMENT,
      ...(here === 'x64' ? { x32: 'ENOSYS', i386: 'ENOSYS' } : {}),
      ...Object.fromEntries(PASSING.map((name) => [name, 'ok'])),
    });
  });

  test('for an agent that debugs, tracing and reading a process pass and nothing else', async () => {
    const outcome = await attempts(uid, seccompFilter(here, { debug: true }));
    expect(outcome).toMatchObject({
      ...refused(true),
      ...REFUSED_BY_ARGUMENT,
      ptrace: 'ok',
      process_vm_readv: 'ok',
      process_vm_writev: 'ok',
    });
  });
});

test('it is the filter that refuses: without it, the box lets these pass', async () => {
  const outcome = await attempts(users[0]!.uid);
  const open = [
    'ptrace',
    'process_vm_readv',
    'process_vm_writev',
    'pidfd_getfd',
    'unshare user',
    'clone user',
    'keyctl',
  ];
  expect(outcome).toMatchObject(Object.fromEntries(open.map((name) => [name, 'ok'])));
});

/** AUDIT_ARCH_*: x86-64, i386, arm64, arm. */
const [X64, I386, ARM64, ARM] = [0xc000003e, 0x40000003, 0xc00000b7, 0x40000028];

test.each<[Architecture, number, number[]]>([
  ['x64', X64, [I386, ARM64, ARM]],
  ['arm64', ARM64, [ARM, X64, I386]],
])('on %s the filter decides by the numbers of that architecture', (architecture, own, foreign) => {
  const column = architecture === 'x64' ? 0 : 1;
  const filter = seccompFilter(architecture, { debug: false });
  const verdict = (call: number, ...values: bigint[]) =>
    verdictOf(filter, { architecture: own, call, arguments: values });
  for (const other of foreign) {
    expect(verdictOf(filter, { architecture: other, call: 1 })).toBe(ERRNO.ENOSYS);
  }
  const numbers = new Set<number>(Object.values(judged).map((pair) => pair[column]));
  for (const { calls, errno } of refusals) {
    for (const pair of Object.values(calls)) {
      if (pair[column] === null) continue;
      expect(verdict(pair[column]), errno).toBe(ERRNO[errno]);
      numbers.add(pair[column]);
    }
  }
  // Every other call there is passes, whatever its arguments.
  for (let call = 0; call < 512; call += 1) {
    if (!numbers.has(call)) expect(verdict(call, 2n ** 64n - 1n, 2n ** 64n - 1n), `${call}`).toBe(0);
  }
  const [clone, unshare, ioctl, socket] = Object.values(judged).map((pair) => pair[column]);
  for (const flag of [0x20000n, 0x2000000n, 0x4000000n, 0x8000000n, 0x10000000n, 0x20000000n, 0x40000000n]) {
    expect(verdict(clone!, flag | 17n)).toBe(ERRNO.EPERM);
    expect(verdict(unshare!, flag)).toBe(ERRNO.EPERM);
  }
  // Threads and vfork; a child that ends with signal 128 + 17 is no time namespace.
  for (const flags of [0x3d0f00n, 0x4111n, 17n, 0x91n]) expect(verdict(clone!, flags)).toBe(0);
  expect(verdict(unshare!, 0x80n)).toBe(ERRNO.EPERM);
  expect(verdict(unshare!, 0x40600n)).toBe(0);
  expect(verdict(ioctl!, 0n, 0xdead00005412n)).toBe(ERRNO.EPERM);
  expect(verdict(ioctl!, 0n, 0x5413n)).toBe(0);
  expect(verdict(socket!, 40n)).toBe(ERRNO.EAFNOSUPPORT);
  for (const family of [1n, 2n, 10n, 16n]) expect(verdict(socket!, family)).toBe(0);
});
