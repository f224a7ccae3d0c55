/**
 * Loaded into OpenClaw's gateway, and into a holder's terminal, before any code of theirs (`node --import`). All of their
 * state lies where commands of the agent can write, so what decides who steers them is not taken from there:
 *
 * * Code comes from the installed packages alone. OpenClaw copies each plugin into its state directory and runs the
 *   copy; the gateway gets the gate itself in place of every such copy.
 * * The gateway's servers answer requests that show the key of the driver, whatever devices, tokens or sessions its
 *   database names.
 * * Signals, which every process of the user may send, neither end the gateway nor have it begin again by itself, with
 *   another gate and its port free in between. The driver stops it over the channel.
 * * It goes by the configuration that it was started with, and reaches no model before the driver says so.
 * * A terminal keeps its files in a directory that its own box has for itself.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { type IncomingMessage, Server, type ServerResponse } from 'node:http';
import { Server as SecureServer } from 'node:https';
import { registerHooks } from 'node:module';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { GUARD_VARIABLE, type GuardSettings, KEY_HEADER, type PluginOrder } from './driver-protocol.ts';
import gate, { followDriver } from './gate-plugin.ts';
import { leaveUnwatched } from './unwatched.ts';
import { withholdConnections } from './withhold.ts';

const REFUSED = 403;
/** Where a copy finds the gate: an import of its file OpenClaw would lead to another copy. */
const GATE = 'aether.openclaw-gate';

/** Neither what is started from here nor a command of the agent is given it. */
function take(): GuardSettings | null {
  const text = process.env[GUARD_VARIABLE];
  delete process.env[GUARD_VARIABLE];
  // A program that the gateway starts with the same arguments.
  return text === undefined ? null : (JSON.parse(text) as GuardSettings);
}

/** @param source of what lies elsewhere; null: that is not loaded */
function keepCode(code: readonly string[], source: string | null): void {
  const roots = code.flatMap((path) => real(path) ?? []);
  const isInstalled = (path: string) => roots.some((root) => path === root || path.startsWith(`${root}/`));
  registerHooks({
    load(url, context, next) {
      if (!url.startsWith('file:') || isInstalled(fileURLToPath(url))) return next(url, context);
      if (source === null) throw new Error(`${url} is not part of the program.`);
      return { format: 'module', source, shortCircuit: true };
    },
  });
  const load = process.dlopen;
  process.dlopen = (module: object, path: string, ...rest: unknown[]) => {
    const file = real(path);
    if (file === null || !isInstalled(file)) throw new Error(`${path} is not part of the program.`);
    return (load as (...all: unknown[]) => void)(module, path, ...rest);
  };
}

function real(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null; // it is not there
  }
}

type Emit = (this: Server, event: string, ...args: unknown[]) => boolean;

/** With what a server is asked, and what it answers with. */
const ASKED = new Set(['request', 'checkContinue', 'checkExpectation']);
const TAKEN_OVER = new Set(['upgrade', 'connect']);

function keepServers(key: string): void {
  const expected = createHash('sha256').update(key).digest();
  const shown = ({ headers }: IncomingMessage): boolean =>
    timingSafeEqual(
      createHash('sha256')
        .update(String(headers[KEY_HEADER] ?? ''))
        .digest(),
      expected,
    );
  for (const prototype of [Server.prototype, SecureServer.prototype] as { emit: Emit }[]) {
    const { emit } = prototype;
    prototype.emit = function (event, ...args) {
      const [request, answer] = args;
      const guarded = ASKED.has(event) || TAKEN_OVER.has(event);
      if (!guarded || shown(request as IncomingMessage)) return emit.call(this, event, ...args);
      if (ASKED.has(event)) (answer as ServerResponse).writeHead(REFUSED).end();
      else (answer as Duplex).destroy();
      return true;
    };
  }
}

const SIGNALS: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'];
const WITH_EVENT = [
  ...(['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'] as const),
  ...(['off', 'removeListener', 'listenerCount', 'listeners', 'rawListeners'] as const),
];

/** What the gateway does at a signal it does at the order of the driver; the signal itself does nothing. */
function keepSignals(): void {
  const ordered = (event: unknown) => (SIGNALS.includes(event as string) ? `ordered:${event}` : event);
  for (const signal of SIGNALS) process.on(signal, () => undefined);
  const methods = process as unknown as Record<string, (...all: unknown[]) => unknown>;
  for (const name of WITH_EVENT) {
    const method = methods[name]!.bind(process);
    methods[name] = (event, ...rest) => method(ordered(event), ...rest);
  }
  process.on('message', (order: PluginOrder) => {
    if (order.type === 'stop') process.emit('ordered:SIGTERM' as 'SIGTERM', 'SIGTERM');
  });
}

/** /tmp is the box's own. Without a sandbox it is a directory like another. */
function ownDirectory(): void {
  const directory = mkdtempSync('/tmp/openclaw-terminal-');
  for (const name of ['HOME', 'TMPDIR', 'OPENCLAW_STATE_DIR']) process.env[name] = directory;
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
}

function portOf(argv: string[]): number | null {
  const at = argv.indexOf('--port');
  return at < 0 ? null : Number(argv[at + 1]);
}

const settings = take();
if (settings?.for === 'gateway') {
  leaveUnwatched(process.env.OPENCLAW_CONFIG_PATH ?? '');
  followDriver(withholdConnections(portOf(process.argv)));
  (globalThis as Record<symbol, unknown>)[Symbol.for(GATE)] = gate;
  keepCode(settings.code, `export default globalThis[Symbol.for('${GATE}')];\n`);
  keepServers(settings.key);
  keepSignals();
} else if (settings !== null) {
  keepCode(settings.code, null);
  ownDirectory();
}
