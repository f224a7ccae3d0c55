/**
 * The order in which a host starts and stops: state, adopted runs, then clients, and the reverse. assemble.ts makes its
 * rooms and connects them.
 */
import fs from 'node:fs';
import path from 'node:path';
import { consoleOff, type RunningConsole, startConsole } from '../console/app.ts';
import { openClientDoor } from '../mcp-tools/transports/client-door.ts';
import type { Detection } from '../runtimes/runtime.ts';
import { type Assembly, assemble, type HostBase } from './assemble.ts';
import { writeBeneath } from './beneath.ts';
import { type Claim, claimStateDirectory, firstConfig } from './claim.ts';
import type { HostOptions, RunningHost } from './cli/running-host.ts';
import { systemClock } from './clock.ts';
import { publishedJsonSchema, SCHEMA_NAME } from './config/json-schema.ts';
import { loadConfig } from './config/load.ts';
import { loopbackPorts, networkOf } from './config/network.ts';
import type { Config } from './config/types.ts';
import { withoutWorkspaces } from './config/unfit.ts';
import { watchConfig } from './config/watch.ts';
import { openControlDoor } from './control/server.ts';
import { AetherError, messageOf } from './errors.ts';
import { detectRuntimes, loadRuntimes, version, WEB_DIR } from './installation.ts';
import { limits } from './limits.ts';
import { openLog } from './log.ts';
import { recoverRuns, returnExpired } from './operations/boot/recover.ts';
import { coverConfiguration, coverKept, keptNow } from './operations/launch/cover-config.ts';
import { KeptWatch } from './operations/launch/kept-watch.ts';
import { renewResolvers } from './operations/launch/network.ts';
import { releaseLeftovers } from './operations/launch/release.ts';
import { stopAll } from './operations/lifecycle/stop-all.ts';
import { Upkeep } from './operations/upkeep/chores.ts';
import { Retention } from './operations/upkeep/retention.ts';
import type { By } from './operations/wiring.ts';
import { socketPaths, statePaths } from './paths.ts';
import { OPERATOR } from './principals.ts';
import { adoptersHere, Outsiders } from './process/outsiders.ts';
import type { PeerCredentials } from './process/peer.ts';
import { admitOperator } from './runs/admission.ts';
import { AgentTable } from './store/agents.ts';
import { Store } from './store/store.ts';
import type { Dispatcher } from './verbs/dispatch.ts';

/** For the verbs of the command line that need no host. */
export { declareAgent, entryOf } from './config/declare.ts';
export { initConfig } from './config/init.ts';
export { detectRuntimes, version } from './installation.ts';
export { probeContainment } from './operations/launch/release.ts';
export { diskUse } from './operations/upkeep/disk-use.ts';
export { checkConfiguration, planWithoutHost } from './planning.ts';
export { probeSandboxes } from './sandboxes/choice.ts';
export { openProgram } from './sandboxes/engine-program.ts';

/** Of the process: what must be there before any room is. */
interface Ground {
  claim: Claim;
  base: HostBase;
  /** null: there is no file; an error: the file is broken, and the earlier fleet keeps running. */
  config: Config | AetherError | null;
}

interface Doors {
  control: { close(): Promise<void> };
  clients: { close(): Promise<void>; readonly connections: number };
  watching: { close(): Promise<void> } | null;
}

/**
 * Starts the host of one state directory: adopts the runs that outlived the last one, opens the doors, and
 * starts the fleet of the configuration file, if there is one.
 * @throws AetherError `host.running` when another host holds the lock.
 */
export async function runHost(options: HostOptions): Promise<RunningHost> {
  await loadRuntimes();
  const host = new HostProcess(options, takeStateDirectory(options));
  await host.start();
  return host;
}

function takeStateDirectory(options: HostOptions): Ground {
  const { stateDir, configFile } = options;
  const files = statePaths(stateDir);
  const claim = claimStateDirectory(stateDir);
  const log = openLog(files.log);
  const load = () => keepOffPath(loadConfig(configFile ?? ''));
  try {
    const store = new Store(files.database);
    keepOffPath({ agents: new AgentTable(store).all().map(({ config }) => config) });
    const config = configFile === null ? null : firstConfig(load, store);
    // What the first line of aether.yaml names: an editor completes from it.
    writeBeneath(stateDir, SCHEMA_NAME, publishedJsonSchema(), 0o644);
    // Of a version that kept sessions of the console here; nothing reads it any more.
    fs.rmSync(path.join(stateDir, 'console-sessions.json'), { force: true });
    writeBeneath(stateDir, path.basename(files.pid), `${process.pid}\n`, 0o600);
    const started_ms = systemClock.now();
    const { socketDir } = claim;
    const outsiders = new Outsiders(adoptersHere());
    const base = { stateDir, socketDir, configFile, store, log, started_ms, load, outsiders };
    return { claim, config, base };
  } catch (error) {
    claim.release();
    throw error;
  }
}

/** The host finds programs by PATH at every launch: not where an agent can put one. */
function keepOffPath<Has extends Pick<Config, 'agents'>>(config: Has): Has {
  const workspaces = config.agents.map(({ workspace }) => workspace);
  process.env.PATH = withoutWorkspaces(process.env.PATH ?? '/usr/bin:/bin', workspaces);
  return config;
}

class HostProcess implements RunningHost {
  readonly verbs: Dispatcher;
  readonly #options: HostOptions;
  readonly #ground: Ground;
  readonly #rooms: Assembly;
  readonly #upkeep: Upkeep;
  readonly #kept: KeptWatch;
  readonly #detections: Detection[] = [];
  readonly #stopped = Promise.withResolvers<number>();
  #console: RunningConsole | null = null;
  #doors: Doors | null = null;
  #ending: { stoodDown: Promise<void>; closed: Promise<void> } | null = null;

  constructor(options: HostOptions, ground: Ground) {
    this.#options = options;
    this.#ground = ground;
    this.#rooms = assemble(ground.base, {
      info: () => ({
        pid: process.pid,
        version,
        stateDir: options.stateDir,
        configFile: options.configFile,
        console: this.#console?.url ?? null,
        runtimes: this.#detections,
      }),
      consoleLink: (plain) => this.#console?.loginLink(plain) ?? consoleOff(),
      down: (by) => this.#end(true, by).stoodDown,
      closing: () => this.#ending !== null,
    });
    const { wiring, takeover, holds, fleet } = this.#rooms;
    this.verbs = this.#rooms.verbs;
    this.#kept = new KeptWatch((place) => coverKept(wiring, place));
    wiring.events.follow(({ topic }) => {
      if (topic === 'process.started') this.#kept.follow(keptNow(wiring));
    });
    this.#upkeep = new Upkeep({
      wiring,
      chores: {
        'an expired lease was not handed back': () => returnExpired(wiring, takeover),
        'an expired hold was not ended': () => holds.sweep(),
        'memories were not looked after': () => wiring.memory.upkeep(),
        'a resolver was not renewed': () => renewResolvers(wiring),
        'the paths that boxes keep read-only were not checked': () => {
          this.#kept.follow(keptNow(wiring));
          void coverKept(wiring);
        },
      },
      retention: new Retention(wiring, () => fleet.settings.retention),
      idleExit_ms: options.idleExit_ms ?? null,
      needed: () => (this.#doors?.clients.connections ?? 0) > 0 || wiring.agents.all().length > 0,
      leave: () => void this.#end(false, 'host'),
    });
  }

  get stopped(): Promise<number> {
    return this.#stopped.promise;
  }

  shutdown(stopAgents: boolean): Promise<void> {
    return this.#end(stopAgents, OPERATOR).closed;
  }

  async start(): Promise<void> {
    const { wiring, fleet, lifecycle, watchdog } = this.#rooms;
    const whole = await this.#takeBackRuns();
    this.#doors = await this.#openDoors();
    this.#upkeep.start();
    void wiring.memory
      .resume()
      .catch((error: unknown) =>
        wiring.log.warn({ error: messageOf(error) }, 'what was forgotten is not removed everywhere yet'),
      );
    watchdog.start();
    void detectRuntimes().then(
      (found) => this.#detections.push(...found),
      (error: unknown) => wiring.log.warn({ error: messageOf(error) }, 'the runtimes could not be detected'),
    );
    this.#options.onReady?.(this.#rooms.info());
    if (whole) await fleet.apply(OPERATOR);
    else await lifecycle.reconcile(wiring.agents.all().map(({ name }) => name));
  }

  /**
   * A host that was killed left runs behind: they are taken back before the doors open.
   * @returns whether the whole configuration is to be applied
   */
  async #takeBackRuns(): Promise<boolean> {
    const { wiring, launcher, lifecycle, mailboxes, wake, fleet } = this.#rooms;
    const unfinished = wiring.runs.unfinished();
    wiring.events.append({
      topic: 'host.started',
      principal: 'host',
      grade: 'enforced',
      data: { generation: wiring.generation, version, adopted: unfinished.map((run) => run.id) },
    });
    await recoverRuns(unfinished, this.#rooms);
    // The runs are known and none is begun yet: what the file narrows counts from the next start of each.
    const whole = fleet.begin(this.#ground.config, this.#options.asked ?? false);
    const leftovers = releaseLeftovers(wiring, (run) => launcher.paths(run));
    lifecycle.open((agent) => leftovers.get(agent));
    const newestMail = (agent: string) =>
      mailboxes.inbox(`agent:${agent}`, { limit: limits.mail_inbox_max }).messages.at(-1);
    for (const { name } of wiring.agents.all()) wake.recall(name, newestMail(name));
    return whole;
  }

  async #openDoors(): Promise<Doors> {
    const { wiring, verbs, ledger, fleet, report } = this.#rooms;
    const { log, clock, runs, outsiders } = wiring;
    const admit = (peer: PeerCredentials) => admitOperator(peer, runs, outsiders);
    const { config, base } = this.#ground;
    const known = config === null || config instanceof AetherError ? null : config;
    const { enabled, port } = fleet.settings.console;
    const never = wiring.agents.all().flatMap((agent) => loopbackPorts(networkOf(agent.config)));
    const shown = { verbs, port, never, log, clock, report, webDir: WEB_DIR };
    this.#console = enabled ? await startConsole(shown) : null;
    const sockets = socketPaths(base.socketDir);
    const doors = { log, report, version, admit };
    const { configFile } = this.#options;
    return {
      control: await openControlDoor({ ...doors, verbs, socketPath: sockets.control }),
      clients: await openClientDoor({ ...doors, ledger, socketPath: sockets.client }),
      watching:
        configFile === null
          ? null
          : watchConfig(configFile, (result) => fleet.edited(result), {
              clock,
              touched: () => void coverConfiguration(wiring, configFile),
              ...(known === null ? {} : { last: known }),
            }),
    };
  }

  #end(stopAgents: boolean, by: By): { stoodDown: Promise<void>; closed: Promise<void> } {
    if (this.#ending !== null) return this.#ending;
    const stoodDown = this.#standDown(stopAgents, by);
    const closed = stoodDown.then(() => this.#close());
    this.#ending = { stoodDown, closed };
    closed.catch((error: unknown) =>
      this.#rooms.wiring.log.error({ error: messageOf(error) }, 'the host did not end'),
    );
    return this.#ending;
  }

  /** Ends what the host does by itself, and the agents when that is asked; after it nothing is recorded. */
  async #standDown(stopAgents: boolean, by: By): Promise<void> {
    const { wiring, lifecycle, wake, watchdog } = this.#rooms;
    lifecycle.close();
    wake.close();
    watchdog.close();
    await this.#upkeep.close();
    this.#kept.close();
    await this.#doors?.watching?.close();
    if (stopAgents) await stopAll(wiring, lifecycle, by);
    wiring.events.append({
      topic: 'host.stopped',
      principal: by,
      grade: 'enforced',
      data: { stoppedAgents: stopAgents },
    });
  }

  /** The doors answer what is in progress before they close: the request that ends the host is among it. */
  async #close(): Promise<void> {
    const { wiring, launcher, screens } = this.#rooms;
    const { control, clients } = this.#doors ?? {};
    await Promise.all([control?.close(), clients?.close(), this.#console?.close(), launcher.closeDoors()]);
    await screens.close();
    for (const run of wiring.runs.live()) run.close();
    wiring.store.close();
    fs.rmSync(statePaths(this.#options.stateDir).pid, { force: true });
    this.#ground.claim.release();
    this.#stopped.resolve(0);
  }
}
