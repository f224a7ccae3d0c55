/**
 * Classic BPF as seccomp(2) takes it: as much of an assembler as a filter of system calls needs. An instruction is
 * eight bytes: u16 code, u8 and u8 how many instructions to skip when a condition holds and when it does not, u32
 * operand. There is one register, and every path ends with a return.
 */

export interface Instruction {
  code: number;
  /** Skipped when the condition holds. */
  whenTrue: number;
  /** Skipped when it does not. */
  whenFalse: number;
  operand: number;
}

/** BPF_LD | BPF_W | BPF_ABS */
const LOAD = 0x20;
/** BPF_JMP | BPF_JEQ | BPF_K */
const EQUAL = 0x15;
/** BPF_JMP | BPF_JGE | BPF_K */
const AT_LEAST = 0x35;
/** BPF_JMP | BPF_JSET | BPF_K */
const ANY_BIT = 0x45;
/** BPF_RET | BPF_K */
const RETURN = 0x06;
/** Of a jump: one byte. */
const SKIP_MAX = 255;

const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_ERRNO = 0x00050000;

/** Where struct seccomp_data has what; both architectures are little endian, so the low half of an argument is first. */
export const FIELD = { call: 0, architecture: 4, argument: (index: number) => 16 + 8 * index } as const;

export const load = (offset: number): Instruction => ({
  code: LOAD,
  whenTrue: 0,
  whenFalse: 0,
  operand: offset,
});

export const allow = (): Instruction => ({
  code: RETURN,
  whenTrue: 0,
  whenFalse: 0,
  operand: SECCOMP_RET_ALLOW,
});

/** The call is not made and fails with this number. */
export const refuse = (errno: number): Instruction => ({
  code: RETURN,
  whenTrue: 0,
  whenFalse: 0,
  operand: SECCOMP_RET_ERRNO | errno,
});

/** `body` runs when the register is one of `values`; what follows it, when it is not or when `body` runs through. */
export function whenEqual(values: readonly number[], body: readonly Instruction[]): Instruction[] {
  const last = values.length - 1;
  return [
    ...values.map((operand, at) => jump(EQUAL, operand, last - at, at === last ? body.length : 0)),
    ...body,
  ];
}

/** `body` runs unless the register equals `value`. */
export function unlessEqual(value: number, body: readonly Instruction[]): Instruction[] {
  return [jump(EQUAL, value, body.length, 0), ...body];
}

export function whenAtLeast(value: number, body: readonly Instruction[]): Instruction[] {
  return [jump(AT_LEAST, value, 0, body.length), ...body];
}

export function whenAnyBit(mask: number, body: readonly Instruction[]): Instruction[] {
  return [jump(ANY_BIT, mask, 0, body.length), ...body];
}

function jump(code: number, operand: number, whenTrue: number, whenFalse: number): Instruction {
  if (whenTrue > SKIP_MAX || whenFalse > SKIP_MAX) throw new Error('a jump of the filter is too long');
  return { code, whenTrue, whenFalse, operand };
}

export function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [at, instruction] of program.entries()) {
    bytes.writeUInt16LE(instruction.code, at * 8);
    bytes.writeUInt8(instruction.whenTrue, at * 8 + 2);
    bytes.writeUInt8(instruction.whenFalse, at * 8 + 3);
    bytes.writeUInt32LE(instruction.operand >>> 0, at * 8 + 4);
  }
  return bytes;
}
