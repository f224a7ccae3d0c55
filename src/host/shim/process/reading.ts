/** One buffer for everything this process reads from its children: each chunk is journalled before the next. */
import type { OnReadOpts } from 'node:net';

const buffer = Buffer.allocUnsafeSlow(64 * 1024);

export function readInto(output: (chunk: Buffer) => void): OnReadOpts {
  return {
    buffer,
    callback(bytes) {
      output(buffer.subarray(0, bytes));
      return true;
    },
  };
}
