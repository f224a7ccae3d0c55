/**
 * The filter of system calls that a box is started with (`bwrap --seccomp`). Its bytes are made here, so that it needs
 * no library and is the same on every machine. It names what is refused and lets the rest pass: an agent runs any
 * program, and namespaces confine it. It refuses calls that get around the namespaces, and calls by which programs of
 * an agent reach into its engine.
 *
 * * A kernel from 5.11 on finds out once which calls always pass, and asks the filter only for the others.
 */
import {
  allow,
  assemble,
  FIELD,
  type Instruction,
  load,
  refuse,
  unlessEqual,
  whenAnyBit,
  whenAtLeast,
  whenEqual,
} from './bpf.ts';
import {
  type Architecture,
  ERRNO,
  judged,
  NAMESPACE_FLAGS,
  refusals,
  SOCKET_FAMILIES,
  TERMINAL_REQUESTS,
  TIME_NAMESPACE_FLAG,
} from './system-calls.ts';

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64. */
const AUDIT_ARCHITECTURE: Record<Architecture, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };
/** Calls from here on are those of x32, the third ABI of an x86-64. */
const X32_CALLS = 0x40000000;

/** @returns null for an architecture without a filter here: a box there has none, and has to say so */
export function architectureOf(machine: string): Architecture | null {
  return machine === 'x64' || machine === 'arm64' ? machine : null;
}

/**
 * @param debug an agent may trace and read its own processes; its engine is then confined by being undumpable alone
 * @returns bytes for `bwrap --seccomp`
 */
export function seccompFilter(architecture: Architecture, { debug }: { debug: boolean }): Buffer {
  const column = architecture === 'x64' ? 0 : 1;
  const refused = refusals
    .filter(({ debuggers }) => !(debug && debuggers))
    .flatMap(({ calls, errno }) => {
      const numbers = Object.values(calls)
        .map((pair) => pair[column])
        .filter((number) => number !== null);
      return whenEqual(numbers, [refuse(ERRNO[errno])]);
    });
  return assemble([
    // The same number is another call in another ABI: a filter for one lets the others do anything.
    load(FIELD.architecture),
    ...unlessEqual(AUDIT_ARCHITECTURE[architecture], [refuse(ERRNO.ENOSYS)]),
    load(FIELD.call),
    ...(architecture === 'x64' ? whenAtLeast(X32_CALLS, [refuse(ERRNO.ENOSYS)]) : []),
    ...refused,
    ...whenEqual([judged.clone[column]], namespaces(NAMESPACE_FLAGS)),
    ...whenEqual([judged.unshare[column]], namespaces(NAMESPACE_FLAGS | TIME_NAMESPACE_FLAG)),
    ...whenEqual(
      [judged.ioctl[column]],
      [load(FIELD.argument(1)), ...whenEqual(TERMINAL_REQUESTS, [refuse(ERRNO.EPERM)]), allow()],
    ),
    ...whenEqual(
      [judged.socket[column]],
      [load(FIELD.argument(0)), ...whenEqual(SOCKET_FAMILIES, [allow()]), refuse(ERRNO.EAFNOSUPPORT)],
    ),
    allow(),
  ]);
}

const namespaces = (flags: number): Instruction[] => [
  load(FIELD.argument(0)),
  ...whenAnyBit(flags, [refuse(ERRNO.EPERM)]),
  allow(),
];
