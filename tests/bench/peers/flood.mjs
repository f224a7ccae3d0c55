/**
 * Prints lines of 128 bytes, then writes how many milliseconds that took into a file.
 * usage: flood.mjs MB_PER_SECOND|max MB RESULT_FILE
 */
import { writeFileSync, writeSync } from 'node:fs';

const [rate, megabytes, resultFile] = process.argv.slice(2);
const block = Buffer.from(`${'x'.repeat(127)}\n`.repeat(512));
const end = Number(megabytes) * 1e6;
const cell = new Int32Array(new SharedArrayBuffer(4));
const sleep = (ms) => Atomics.wait(cell, 0, 0, ms);

function print(bytes) {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      sleep(1);
    }
  }
}

const begun = performance.now();
for (let printed = 0; printed < end; ) {
  const elapsed = performance.now() - begun;
  if (rate !== 'max' && printed > (elapsed / 1e3) * Number(rate) * 1e6) {
    sleep(2);
    continue;
  }
  print(block);
  printed += block.length;
}
writeFileSync(resultFile, String(performance.now() - begun));
