// Loaded before a program (node --import): its wall clock runs ahead or behind by as many milliseconds as the file
// that CHAOS_CLOCK names says at that moment, as if somebody set the machine's clock. Durations are as ever.
import { readFileSync } from 'node:fs';

const LOOK_MS = 20;
const file = process.env.CHAOS_CLOCK;
const RealDate = Date;
let offset_ms = 0;
let looked = Number.NEGATIVE_INFINITY;

function now() {
  const at = performance.now();
  if (at - looked > LOOK_MS) {
    looked = at;
    try {
      offset_ms = Number(readFileSync(file, 'utf8')) || 0;
    } catch (error) {
      if (error.code !== 'ENOENT') throw error; // nobody has set it yet
    }
  }
  return RealDate.now() + offset_ms;
}

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(now());
    else super(...given);
  }

  static now() {
    return now();
  }
};
