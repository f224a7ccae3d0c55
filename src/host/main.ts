/**
 * The front door: the only file that imports every room. It wires them into one host, opens the doors in the
 * order that loses nothing (state, adopted runs, then clients) and closes them in the reverse.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { consoleOff, type RunningConsole, startConsole } from '../console/app.ts';
import { openClientDoor } from '../mcp-tools/transports/client-door.ts';
import { openRunDoor } from '../mcp-tools/transports/run-door.ts';
import { definitionOf, RUNTIMES } from '../runtimes/installed.ts';
import type { Detection, Runtime } from '../runtimes/runtime.ts';
import { Agents } from './agents/agents.ts';
import type { HostInfo, PlanView } from './api.ts';
import { Approvals } from './approvals/approvals.ts';
import { writeBeneath } from './beneath.ts';
import { claimStateDirectory, firstConfig } from './claim.ts';
import type { HostOptions, RunningHost } from './cli/running-host.ts';
import { systemClock } from './clock.ts';
import { publishedJsonSchema, SCHEMA_NAME } from './config/json-schema.ts';
import { loadConfig } from './config/load.ts';
import { resolveAgent } from './config/resolve.ts';
import type { AgentConfig, Config } from './config/types.ts';
import { watchConfig } from './config/watch.ts';
import { openControlDoor } from './control/server.ts';
import { AetherError, messageOf } from './errors.ts';
import { Events } from './events/events.ts';
import { randomIds } from './ids.ts';
import { limits } from './limits.ts';
import { openLog } from './log.ts';
import { Mailboxes } from './mailboxes/mailboxes.ts';
import { NO_INSPECTOR } from './node-flags.ts';
import { runSink } from './operations/boot/fact-routes.ts';
import { openLedger } from './operations/boot/open-ledger.ts';
import { recoverRuns, returnExpired } from './operations/boot/recover.ts';
import { Fleet } from './operations/fleet/fleet.ts';
import { planFleet } from './operations/fleet/plan.ts';
import { Gates } from './operations/gate/gates.ts';
import { policiesOf } from './operations/gate/policies.ts';
import { Launcher } from './operations/launch/launch.ts';
import { groupKinds, releaseLeftovers } from './operations/launch/release.ts';
import { Holds } from './operations/lifecycle/hold.ts';
import { Lifecycle } from './operations/lifecycle/lifecycle.ts';
import { Pauses } from './operations/lifecycle/pause.ts';
import { stopAll } from './operations/lifecycle/stop-all.ts';
import { Watchdog } from './operations/lifecycle/watchdog.ts';
import { InjectionDelivery } from './operations/messages/inject.ts';
import { Wake } from './operations/messages/wake.ts';
import { Takeover } from './operations/takeover/takeover.ts';
import { TranscriptReader } from './operations/takeover/transcript.ts';
import { showActivity } from './operations/turn/activity.ts';
import { Upkeep } from './operations/upkeep/chores.ts';
import { Retention } from './operations/upkeep/retention.ts';
import type { By, Wiring } from './operations/wiring.ts';
import { socketPaths, statePaths } from './paths.ts';
import { OPERATOR } from './principals.ts';
import type { PeerCredentials } from './process/peer.ts';
import { hostVerbs } from './rooms.ts';
import { admitOperator, admitToRun } from './runs/admission.ts';
import { doorReporter } from './runs/door-reports.ts';
import { Runs } from './runs/runs.ts';
import { sandboxNamed } from './sandboxes/sandboxes.ts';
import { AgentTable } from './store/agents.ts';
import { InjectionTable } from './store/injections.ts';
import { LeaseTable } from './store/leases.ts';
import { RunTable } from './store/runs.ts';
import { Store } from './store/store.ts';
import { Leases } from './terminals/leases.ts';

/** For `aether doctor` and `aether init`, which need no host. */
export { initConfig } from './config/init.ts';
export { probeContainment } from './operations/launch/release.ts';
export { diskUse } from './operations/upkeep/disk-use.ts';

const EXTENSION = path.extname(import.meta.url);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BRIDGE = fileURLToPath(
  new URL(`../mcp-tools/bridge/main${EXTENSION === '.ts' ? '.cts' : '.cjs'}`, import.meta.url),
);
const ANY_PORT = { enabled: true, port: 0 };
const WEB_DIR = path.join(ROOT, 'dist', 'console', 'web');

export const version = (
  JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string }
).version;

const runtimes: Runtime[] = await Promise.all(RUNTIMES.map(({ load }) => load({ version })));

/** @throws AetherError `runtime.unknown` */
function runtimeNamed(name: string | null): Runtime {
  if (name === null) return runtimes.find(({ capabilities }) => capabilities.engine === 'pty')!;
  return runtimes[RUNTIMES.indexOf(definitionOf(name))]!;
}

export function detectRuntimes(): Promise<Detection[]> {
  return Promise.all(runtimes.map((runtime) => runtime.detect(process.env)));
}

const bridge = (door: string) => ({ command: process.execPath, args: [NO_INSPECTOR, BRIDGE, door] });

function makePlan(
  config: Config,
  stateDir: string,
  socketDir: string,
  applied: Map<string, AgentConfig>,
  running: Set<string>,
): Promise<PlanView> {
  return planFleet({
    config,
    applied,
    running,
    resolve: (agent) => resolveAgent(agent, process.env, config),
    runtime: runtimeNamed,
    place: (agent) => ({
      run: 'RUN',
      agentDir: path.join(stateDir, 'agents', agent),
      runDir: path.join(stateDir, 'runs', 'RUN'),
      mcp: bridge(path.join(socketDir, 'RUN', 'mcp.sock')),
      mcpCommand: path.join(socketDir, 'RUN', 'mcp'),
      userHome: os.homedir(),
      path: process.env.PATH ?? '/usr/bin:/bin',
    }),
  });
}

/** The plan against what the state directory holds, without writing there. */
export async function planWithoutHost(options: { configFile: string; stateDir: string }): Promise<PlanView> {
  const config = loadConfig(options.configFile);
  const file = statePaths(options.stateDir).database;
  const applied = new Map<string, AgentConfig>();
  if (fs.existsSync(file)) {
    const store = new Store(file);
    for (const agent of new AgentTable(store).all()) applied.set(agent.name, agent.config);
    store.close();
  }
  return makePlan(config, options.stateDir, '(sockets)', applied, new Set());
}

/**
 * Starts the host of one state directory: adopts the runs that outlived the last one, opens the doors, and
 * starts the fleet of the configuration file, if there is one.
 * @throws AetherError `host.running` when another host holds the lock.
 */
export async function runHost(options: HostOptions): Promise<RunningHost> {
  const { stateDir } = options;
  const files = statePaths(stateDir);
  const { socketDir, ...claim } = claimStateDirectory(stateDir);
  const clock = systemClock;
  const ids = randomIds;
  const log = openLog(files.log);
  const started_ms = clock.now();
  const load = () => loadConfig(options.configFile ?? '');
  let config: Config | AetherError | null;
  let store: Store;
  try {
    store = new Store(files.database);
    config = options.configFile === null ? null : firstConfig(load, store);
  } catch (error) {
    claim.release();
    throw error;
  }
  // What the first line of aether.yaml names: an editor completes from it.
  writeBeneath(stateDir, SCHEMA_NAME, publishedJsonSchema(), 0o644);
  writeBeneath(stateDir, path.basename(files.pid), `${process.pid}\n`, 0o600);

  const events = new Events({ store, clock, ids, log });
  const runTable = new RunTable(store);
  const generation = runTable.newHost(process.pid, version, started_ms);
  const agents = new Agents({ store, table: new AgentTable(store), clock });
  const runs = new Runs(runTable);
  const approvals = new Approvals({ store, clock, ids, events });
  const mailboxes = new Mailboxes({ store, clock, ids, events });
  const report = doorReporter({ events, log, runs });
  let ending: { stoodDown: Promise<void>; closed: Promise<void> } | null = null;
  const wiring: Wiring = {
    store,
    clock,
    ids,
    log,
    events,
    agents,
    runs,
    runTable,
    injections: new InjectionTable(store),
    leases: new Leases({ store, table: new LeaseTable(store), clock }),
    approvals,
    gates: new Gates({
      ...{ store, clock, log, events, agents, approvals },
      policies: policiesOf(agents),
      show: (run, at_ms) => showActivity(wiring, run, at_ms),
    }),
    generation,
    stateDir,
    socketDir,
    groupKinds: groupKinds(process.env),
    userHome: os.homedir(),
    path: process.env.PATH ?? '/usr/bin:/bin',
    runtime: runtimeNamed,
    sandbox: sandboxNamed,
    sandboxOf: options.sandboxOf ?? (() => 'none'),
    resolve: (agent) => resolveAgent(agent, process.env, fleet.config ?? undefined),
    bridge,
    openDoor: (run) =>
      openRunDoor({
        ledger,
        version,
        socketPath: run.paths.doorSocket,
        agent: run.record.agent,
        run: run.id,
        grants: () => agents.find(run.record.agent)?.config.tools ?? null,
        admit: (peer) => admitToRun(peer, run),
        log,
        report,
      }),
    deliver: (agent) => void delivery.kick(agent),
    closing: () => ending !== null,
    touched: (agent) => {
      views.touched(agent);
      wake.consider(agent);
    },
  };

  const delivery = new InjectionDelivery(wiring);
  const unread = (agent: string) => mailboxes.unread(`agent:${agent}`);
  const wake = new Wake(wiring, delivery, unread);
  const launcher = new Launcher(
    wiring,
    runSink(wiring, () => ({ takeover, lifecycle })),
  );
  const takeover = new Takeover({
    wiring,
    launcher,
    delivery,
    transcript: new TranscriptReader(wiring, launcher),
    hold: (agent, by) => holds.begin(agent, by),
  });
  const lifecycle = new Lifecycle({
    wiring,
    launcher,
    delivery,
    takeoverEnded: (run) => takeover.ended(run),
    beforeStart: (name) => fleet.narrow(name),
  });
  const pauses = new Pauses({ wiring, delivery, unread });
  const holds = new Holds({ wiring, launcher, delivery, unread });
  const watchdog = new Watchdog(wiring, lifecycle);
  const fleet = new Fleet({
    wiring,
    lifecycle,
    launcher,
    load,
    plan: (next) =>
      makePlan(
        next,
        stateDir,
        socketDir,
        new Map(agents.all().map((agent) => [agent.name, agent.config])),
        new Set(runs.live().map((run) => run.record.agent)),
      ),
  });
  const ledger = openLedger(wiring, {
    mailboxes,
    agents: () => views.listed(),
    verbs: () => verbs,
    onMail: (agent, message) => {
      wake.mail(agent, message);
      views.touched(agent);
    },
  });
  const detections: Detection[] = [];
  let console_: RunningConsole | null = null;
  const info = (): HostInfo => ({
    pid: process.pid,
    version,
    stateDir,
    configFile: options.configFile,
    configProblem: fleet.problem,
    configWaits: fleet.waits,
    started_ms,
    generation,
    console: console_?.url ?? null,
    runtimes: detections,
  });
  const { verbs, views } = hostVerbs({
    wiring,
    launcher,
    delivery,
    watchdog,
    fleet,
    lifecycle,
    pauses,
    holds,
    takeover,
    mailboxes,
    info,
    consoleLink: () => console_?.loginLink() ?? consoleOff(),
    down: (by) => end(true, by).stoodDown,
  });

  /* A host that was killed left runs behind: they are taken back before the doors open. */
  const unfinished = runs.unfinished();
  events.append({
    topic: 'host.started',
    principal: 'host',
    grade: 'enforced',
    data: { generation, version, adopted: unfinished.map((run) => run.id) },
  });
  await recoverRuns(unfinished, { wiring, launcher, takeover, delivery, pauses });
  const leftovers = releaseLeftovers(wiring, (run) => launcher.paths(run));
  lifecycle.open((agent) => leftovers.get(agent));
  for (const { name } of agents.all())
    wake.recall(name, mailboxes.inbox(`agent:${name}`, { limit: limits.mail_inbox_max }).messages.at(-1));

  const { enabled, port } = config === null || config instanceof AetherError ? ANY_PORT : config.console;
  console_ = enabled ? await startConsole({ verbs, port, log, clock, report, webDir: WEB_DIR }) : null;
  const sockets = socketPaths(socketDir);
  const doors = { log, report, admit: (peer: PeerCredentials) => admitOperator(peer, runs) };
  const control = await openControlDoor({ ...doors, verbs, socketPath: sockets.control, version });
  const clients = await openClientDoor({ ...doors, ledger, version, socketPath: sockets.client });
  const watching =
    options.configFile === null
      ? null
      : watchConfig(options.configFile, (result) => fleet.edited(result), {
          clock,
          ...(config === null || config instanceof AetherError ? {} : { last: config }),
        });

  let settle: (code: number) => void;
  const stopped = new Promise<number>((resolve) => {
    settle = resolve;
  });
  /** Ends what the host does by itself, and the agents when that is asked; after it nothing is recorded. */
  async function standDown(stopAgents: boolean, by: By): Promise<void> {
    lifecycle.close();
    wake.close();
    watchdog.close();
    await upkeep.close();
    await watching?.close();
    if (stopAgents) await stopAll(wiring, lifecycle, by);
    events.append({
      topic: 'host.stopped',
      principal: by,
      grade: 'enforced',
      data: { stoppedAgents: stopAgents },
    });
  }
  /** The doors answer what is in progress before they close: the request that ends the host is among it. */
  async function closeDoors(): Promise<void> {
    await Promise.all([control.close(), clients.close(), console_?.close(), launcher.closeDoors()]);
    for (const run of runs.live()) run.close();
    store.close();
    fs.rmSync(files.pid, { force: true });
    claim.release();
    settle(0);
  }
  function end(stopAgents: boolean, by: By): NonNullable<typeof ending> {
    if (ending !== null) return ending;
    const stoodDown = standDown(stopAgents, by);
    ending = { stoodDown, closed: stoodDown.then(closeDoors) };
    ending.closed.catch((error: unknown) => log.error({ error: messageOf(error) }, 'the host did not end'));
    return ending;
  }
  const shutdown = (stopAgents: boolean) => end(stopAgents, OPERATOR).closed;

  const upkeep = new Upkeep({
    wiring,
    chores: {
      'an expired lease was not handed back': () => returnExpired(wiring, takeover),
      'an expired hold was not ended': () => holds.sweep(),
    },
    retention: new Retention(wiring, () => fleet.retention),
    idleExit_ms: options.idleExit_ms ?? null,
    needed: () => clients.connections > 0 || agents.all().length > 0,
    leave: () => void end(false, 'host'),
  });
  upkeep.start();
  watchdog.start();
  void detectRuntimes().then(
    (found) => detections.push(...found),
    (error: unknown) => log.warn({ error: messageOf(error) }, 'the runtimes could not be looked at'),
  );
  options.onReady?.(info());
  if (config instanceof AetherError) fleet.changed(config);
  if (config === null || config instanceof AetherError)
    await lifecycle.reconcile(agents.all().map(({ name }) => name));
  else await fleet.apply(OPERATOR);
  return { verbs, stopped, shutdown };
}
