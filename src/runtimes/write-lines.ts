/** Output of the engines that are ours, on the pipe that their shim reads. */
import { writeSync } from 'node:fs';

/** Synchronous, so that an event is with the shim before the next thing happens; a full pipe is waited for. */
export function writeAll(fd: number, text: string): void {
  const data = Buffer.from(text, 'utf8');
  for (let done = 0; done < data.length; ) {
    try {
      done += writeSync(fd, data, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
