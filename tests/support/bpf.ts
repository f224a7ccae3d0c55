/** What the kernel does with a filter, for an architecture that this machine has not: a filter of calls, no more. */

export interface Call {
  architecture: number;
  call: number;
  arguments?: bigint[];
}

/** @returns the errno; 0 when the call passes */
export function verdictOf(filter: Buffer, call: Call): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.call >>> 0, 0);
  data.writeUInt32LE(call.architecture, 4);
  for (const [at, value] of (call.arguments ?? []).entries()) data.writeBigUInt64LE(value, 16 + 8 * at);
  let register = 0;
  for (let at = 0; ; at += 1) {
    const code = filter.readUInt16LE(at * 8);
    const operand = filter.readUInt32LE(at * 8 + 4);
    const skip = (holds: boolean) => filter.readUInt8(at * 8 + (holds ? 2 : 3));
    if (code === 0x20) register = data.readUInt32LE(operand);
    else if (code === 0x15) at += skip(register === operand);
    else if (code === 0x35) at += skip(register >= operand);
    else if (code === 0x45) at += skip((register & operand) !== 0);
    else if (code === 0x06 && operand >>> 16 === 0x7fff) return 0;
    else if (code === 0x06 && operand >>> 16 === 0x0005) return operand & 0xffff;
    else throw new Error(`instruction ${at} is ${code} ${operand}`);
  }
}
