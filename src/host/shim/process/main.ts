/**
 * The shim: a small process of its own that owns one run and outlives every host. It is told what to do once,
 * on stdin; says on stdout that it listens; and then lets go of everything it was started with.
 */
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import { Containment } from '../../process/containment.ts';
import { becomeSubreaper, unblockSignal } from '../../process/libc.ts';
import { runMarkerOf } from '../../process/marker.ts';
import { startTicks } from '../../process/proc.ts';
import { NETWORK_OPERATION, type NetworkSpec, RecordType, type ShimStart } from '../shim-protocol.ts';
import { reserveHandles } from './handles.ts';
import { Journal } from './journal.ts';
import { Reaper } from './reaper.ts';
import { Run } from './run.ts';
import { ShimServer } from './server.ts';

/** A shim that is given nothing to do was forgotten by a host that died while launching it. */
const UNUSED_MS = 120_000;
/** Reaped orphans are an observation, not output: while the disk is full they may not fill the memory. */
const WAITING_BYTES_MAX = 1024 * 1024;

function readStart(): ShimStart {
  const start = JSON.parse(readFileSync(0, 'utf8')) as Partial<ShimStart>;
  for (const key of ['run', 'agent', 'dir', 'socket'] as const) {
    if (typeof start[key] !== 'string') throw new Error(`the start line lacks ${key}`);
  }
  for (const key of ['journal_segment_bytes', 'journal_bytes_max'] as const) {
    if (!Number.isSafeInteger(start[key])) throw new Error(`the start line lacks ${key}`);
  }
  return start as ShimStart;
}

/** Says where it is, then points all three descriptors away from the launcher. */
function detach(start: ShimStart): void {
  try {
    writeSync(1, `${JSON.stringify({ pid: process.pid, start_ticks: startTicks(process.pid) })}\n`);
  } catch (error) {
    // The launcher has died meanwhile. The next host finds the socket, or this ends unused.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
  for (const fd of [0, 1]) {
    closeSync(fd);
    // The lowest free descriptor is the one just closed.
    if (openSync('/dev/null', 'r+') !== fd) throw new Error(`descriptor ${fd} could not be replaced`);
  }
  closeSync(2);
  openSync(join(start.dir, 'shim.log'), 'a', 0o600);
}

/**
 * Node was told to open no inspector on SIGUSR1 and therefore blocks it; what is started in a terminal would inherit
 * that and never receive the signal. Here it arrives, and does nothing.
 */
function receiveInspectorSignal(): void {
  process.on('SIGUSR1', () => undefined);
  unblockSignal(constants.signals.SIGUSR1);
}

/** While this process comes up and the host connects. A failure is told when the host asks: it is tried again then. */
function openNetwork(run: Run, network: NetworkSpec): void {
  run.network({ id: 0, op: 'network', opId: NETWORK_OPERATION, network }).catch(() => undefined);
}

async function main(): Promise<void> {
  if (process.platform === 'linux') reserveHandles();
  const start = readStart();
  const launcherRun = runMarkerOf(process.ppid);
  process.title = `aether-shim ${start.agent}`;
  receiveInspectorSignal();
  if (process.platform === 'linux') becomeSubreaper();
  mkdirSync(start.dir, { recursive: true, mode: 0o700 });

  const journal = new Journal({
    dir: start.dir,
    segmentBytes: start.journal_segment_bytes,
    bytesMax: start.journal_bytes_max,
    onGrown: (offset) => server.grown(offset),
    onBlocked: (blocked) => run.processes.setBlocked(blocked),
  });
  const note = (type: RecordType, what: object) => {
    if (journal.waiting < WAITING_BYTES_MAX) journal.append(type, 0, what);
  };
  const reaper = new Reaper((pid, exit) => note(RecordType.reaped, { pid, ...exit }));
  const { kinds, scope, proven } = start.containment ?? { kinds: [], scope: '' };
  const containment = Containment.choose(kinds, scope, start.run, proven);
  const run = new Run(start.run, journal, reaper, containment);
  if (start.network !== undefined) openNetwork(run, start.network);
  const server = new ShimServer(start.socket, run, launcherRun);
  if (process.platform === 'linux') {
    reaper.watch({
      eager: containment.means === 'descent',
      outside: (pids) => containment.outside(pids),
      noted: (orphan) => note(RecordType.adopted, orphan),
    });
  }
  await server.listen();

  const stop = (reason: string) =>
    void run.stop({
      id: 0,
      op: 'stop',
      opId: `shim: ${reason}`,
      stop: { close_stdin_ms: 1_000, term_ms: 5_000, kill_ms: 10_000 },
      reason,
    });
  process.on('SIGHUP', () => undefined);
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => stop('the shim was told to end (SIGTERM)'));
  const unused = setInterval(() => {
    if (run.begun) clearInterval(unused);
    else if (!server.connected) stop('no process was ever started');
  }, UNUSED_MS);
  detach(start);
  // The run is worth more than the state of one request: tell, and go on owning it.
  process.on('uncaughtException', (error) => {
    console.error(error);
    journal.append(RecordType.trouble, 0, { cause: `a defect of the shim: ${error.message}` });
  });

  await run.ended;
  if (!(await containment.release())) console.error(`the group of the run could not be removed`);
  await journal.close();
  // Answers to those who asked for the end are written in this turn.
  await new Promise((resolve) => setImmediate(resolve));
  await server.close();
  process.exit(0);
}

main().catch((error: unknown) => {
  console.error(messageOf(error));
  process.exit(1);
});
