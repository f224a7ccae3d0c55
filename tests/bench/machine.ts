/** The machine a figure was measured on: without it a figure says nothing. */
import { readFileSync } from 'node:fs';
import os from 'node:os';

export interface Machine {
  cpu: string;
  cores: number;
  memory_MB: number;
  kernel: string;
  node: string;
  /** One-minute load average: above the number of cores, absolute figures are worth little. */
  load: number;
}

export function machine(): Machine {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memory_MB: Math.round(os.totalmem() / 1e6),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
    load: Number(os.loadavg()[0]!.toFixed(2)),
  };
}

export interface MemoryUse {
  /** Shared pages counted in proportion to how many processes share them. */
  pss_MB: number;
  /** Pages nobody else has: what ending this one process gives back. */
  private_MB: number;
}

/** @throws Error where the system has no /proc, or the process is gone. */
export function memoryOf(pid: number): MemoryUse {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kB = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text);
    if (found === null) throw new Error(`smaps_rollup of ${pid} has no ${name}`);
    return Number(found[1]);
  };
  return {
    pss_MB: kB('Pss') / 1024,
    private_MB: (kB('Private_Clean') + kB('Private_Dirty')) / 1024,
  };
}
