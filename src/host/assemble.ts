/**
 * Wires the rooms together: nouns over the store, operations over the nouns, verbs and ledger over both. Nothing is
 * started here, and nothing is called before everything is there; main.ts does that.
 */
import { openRunDoor } from '../mcp-tools/transports/run-door.ts';
import { Agents } from './agents/agents.ts';
import type { HostInfo } from './api.ts';
import { Approvals } from './approvals/approvals.ts';
import { type Clock, systemClock } from './clock.ts';
import { endpointOf } from './config/embeddings.ts';
import { resolveAgent } from './config/resolve.ts';
import { sandboxOf } from './config/sandbox.ts';
import type { Config, MemorySettings } from './config/types.ts';
import { Events } from './events/events.ts';
import { type Ids, randomIds } from './ids.ts';
import { bridgeTo, runtimeNamed, runtimeNames, version } from './installation.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Log } from './log.ts';
import { Mailboxes } from './mailboxes/mailboxes.ts';
import { Curation } from './memory/curation.ts';
import { Memory } from './memory/memory.ts';
import { runSink } from './operations/boot/fact-routes.ts';
import { openLedger } from './operations/boot/open-ledger.ts';
import type { AgentViews } from './operations/fleet/agent-views.ts';
import { Fleet } from './operations/fleet/fleet.ts';
import { Gates } from './operations/gate/gates.ts';
import { policiesOf } from './operations/gate/policies.ts';
import { exposedTo } from './operations/launch/cover-config.ts';
import { Launcher } from './operations/launch/launch.ts';
import { groupKinds } from './operations/launch/release.ts';
import { Holds } from './operations/lifecycle/hold.ts';
import { Lifecycle } from './operations/lifecycle/lifecycle.ts';
import { Pauses } from './operations/lifecycle/pause.ts';
import { Watchdog } from './operations/lifecycle/watchdog.ts';
import { InjectionDelivery } from './operations/messages/inject.ts';
import { Wake } from './operations/messages/wake.ts';
import { Recalls } from './operations/recall/recall.ts';
import { RunScreens } from './operations/takeover/screens.ts';
import { Takeover } from './operations/takeover/takeover.ts';
import { showActivity } from './operations/turn/activity.ts';
import { TranscriptReader } from './operations/turn/transcript.ts';
import type { By, Wiring } from './operations/wiring.ts';
import { programCopiesDirectoryOf } from './paths.ts';
import { makePlan } from './planning.ts';
import type { Outsiders } from './process/outsiders.ts';
import { hostVerbs } from './rooms.ts';
import { admitToRun } from './runs/admission.ts';
import { doorReporter } from './runs/door-reports.ts';
import { Runs } from './runs/runs.ts';
import { chooseSandbox } from './sandboxes/choice.ts';
import { ProgramCopies } from './sandboxes/program-copies.ts';
import { sandboxNamed } from './sandboxes/sandboxes.ts';
import { AgentTable } from './store/agents.ts';
import { InjectionTable } from './store/injections.ts';
import { LeaseTable } from './store/leases.ts';
import { RunTable } from './store/runs.ts';
import { SettingTable } from './store/settings.ts';
import type { Store } from './store/store.ts';
import { Leases } from './terminals/leases.ts';
import type { Dispatcher } from './verbs/dispatch.ts';
import { WorkPlaces } from './workspaces/place.ts';
import { homeOf } from './written-path.ts';

/** What the process gives. */
export interface HostBase {
  stateDir: string;
  socketDir: string;
  store: Store;
  log: Log;
  outsiders: Outsiders;
  started_ms: number;
  /** Reads the configuration file again. */
  load(): Config;
  configFile: string | null;
}

/** What the rooms ask of the process that they are in. */
export interface HostLife {
  info(): Omit<HostInfo, 'configProblem' | 'configWaits' | 'started_ms' | 'generation'>;
  consoleLink(plain?: boolean): string;
  /** Stops the agents, then the host. */
  down(by: By): Promise<void>;
  closing(): boolean;
}

type Nouns = ReturnType<typeof openNouns>;

interface Operations {
  delivery: InjectionDelivery;
  launcher: Launcher;
  takeover: Takeover;
  lifecycle: Lifecycle;
  pauses: Pauses;
  holds: Holds;
  watchdog: Watchdog;
  fleet: Fleet;
  wake: Wake;
  screens: RunScreens;
}

export interface Assembly extends Operations {
  wiring: Wiring;
  mailboxes: Mailboxes;
  report: Nouns['report'];
  ledger: Ledger;
  verbs: Dispatcher;
  views: AgentViews;
  info(): HostInfo;
}

export function assemble(base: HostBase, life: HostLife): Assembly {
  const all = {} as Assembly;
  const nouns = openNouns(base, () => all.fleet.settings.memory);
  const wiring = wiringOf(base, nouns, life, all);
  const operations = operationsOf(base, nouns, wiring, all);
  const { mailboxes, report } = nouns;
  Object.assign(all, operations, { wiring, mailboxes, report });
  all.ledger = openLedger(wiring, {
    mailboxes,
    agents: () => all.views.listed(),
    verbs: () => all.verbs,
    onMail: (agent, message) => {
      all.wake.mail(agent, message);
      all.views.touched(agent);
    },
  });
  all.info = () => ({
    ...life.info(),
    configProblem: all.fleet.problem,
    configWaits: all.fleet.waits,
    started_ms: base.started_ms,
    generation: wiring.generation,
  });
  const { consoleLink, down } = life;
  const { verbs, views } = hostVerbs({
    ...all,
    curation: new Curation({
      ...wiring,
      agentOf: (run) => wiring.runs.byId(run)?.record.agent ?? null,
    }),
    runtimes: runtimeNames,
    consoleLink,
    down,
  });
  return Object.assign(all, { verbs, views });
}

/** The rooms that own data, over one store. */
/** @param settings asked only once the host runs */
function openNouns({ store, log, started_ms }: HostBase, settings: () => MemorySettings) {
  const clock: Clock = systemClock;
  const ids: Ids = randomIds;
  const runTable = new RunTable(store);
  const generation = runTable.newHost(process.pid, version, started_ms);
  const runs = new Runs(runTable);
  const events = new Events({ store, clock, ids, log, graded: (event) => runs.graded(event) });
  const agents = new Agents({ store, table: new AgentTable(store), clock });
  const places = new WorkPlaces(clock);
  return {
    clock,
    ids,
    events,
    runTable,
    generation,
    runs,
    agents,
    injections: new InjectionTable(store),
    leases: new Leases({ store, table: new LeaseTable(store), clock }),
    approvals: new Approvals({ store, clock, ids, events }),
    mailboxes: new Mailboxes({ store, clock, ids, events }),
    memory: new Memory({
      ...{ store, clock, ids, events },
      placeOf: ({ agent }) => {
        const config = agent === null ? undefined : agents.find(agent)?.config;
        return config === undefined ? null : places.of(config.workspace);
      },
      quotas: settings,
      embeddings() {
        const { embeddings } = settings();
        return embeddings === undefined ? null : endpointOf(embeddings, process.env);
      },
    }),
    report: doorReporter({ events, log, runs }),
  };
}

/** @param all what is made after it: asked only once the host runs */
function wiringOf(base: HostBase, nouns: Nouns, life: HostLife, all: Assembly): Wiring {
  const { mailboxes: _, report, ...owned } = nouns;
  const { store, log, stateDir, socketDir, outsiders } = base;
  const { clock, events, agents, approvals } = nouns;
  const wiring: Wiring = {
    ...owned,
    ...{ store, log, stateDir, socketDir, outsiders, version, report },
    terminalSettings: () => all.fleet.settings.terminal,
    memorySettings: () => all.fleet.settings.memory,
    gates: new Gates({
      ...{ store, clock, log, events, agents, approvals },
      policies: policiesOf(agents),
      show: (run, at_ms) => showActivity(wiring, run, at_ms),
    }),
    get recalls() {
      return recalls;
    },
    groupKinds: groupKinds(process.env),
    userHome: homeOf(process.env),
    // Asked at each launch: what agents can write is taken off it (main.ts).
    get path() {
      return process.env.PATH ?? '/usr/bin:/bin';
    },
    runtime: runtimeNamed,
    sandbox: sandboxNamed,
    chooseSandbox: (config) => chooseSandbox(config.name, sandboxOf(config)),
    configFile: base.configFile,
    consolePort: () => Number(URL.parse(life.info().console ?? '')?.port) || null,
    resolve: (agent) => resolveAgent(agent, process.env, all.fleet.config ?? undefined, stateDir),
    programCopies: new ProgramCopies(programCopiesDirectoryOf(process.env), clock),
    bridge: bridgeTo,
    openDoor: (run) =>
      openRunDoor({
        ledger: all.ledger,
        version,
        socketPath: run.paths.doorSocket,
        agent: run.record.agent,
        run: run.id,
        grants: () => agents.find(run.record.agent)?.config.tools ?? null,
        admit: (peer) => admitToRun(peer, run),
        log,
        report,
      }),
    deliver: (agent) => void all.delivery.kick(agent),
    closing: () => life.closing(),
    touched: (agent) => {
      all.views.touched(agent);
      all.wake.consider(agent);
    },
  };
  const recalls = new Recalls(wiring);
  return wiring;
}

function operationsOf(base: HostBase, nouns: Nouns, wiring: Wiring, all: Assembly): Operations {
  const { agents, runs, mailboxes } = nouns;
  const unread = (agent: string) => mailboxes.unread(`agent:${agent}`);
  const delivery = new InjectionDelivery(wiring);
  const launcher = new Launcher(
    wiring,
    runSink(wiring, () => all),
  );
  const holds = new Holds({ wiring, launcher, delivery, unread });
  const lifecycle = new Lifecycle({
    wiring,
    launcher,
    delivery,
    takeoverEnded: (run) => all.takeover.ended(run),
    beforeStart: (name) => all.fleet.narrow(name),
  });
  return {
    delivery,
    launcher,
    holds,
    lifecycle,
    screens: new RunScreens(wiring),
    wake: new Wake(wiring, delivery, unread),
    takeover: new Takeover({
      wiring,
      launcher,
      delivery,
      transcript: new TranscriptReader(wiring, (agent, run) => launcher.place(agent, run)),
      hold: (agent, by) => holds.begin(agent, by),
    }),
    pauses: new Pauses({ wiring, delivery, unread }),
    watchdog: new Watchdog(wiring, lifecycle),
    fleet: new Fleet({
      wiring,
      table: new SettingTable(base.store),
      lifecycle,
      launcher,
      load: base.load,
      exposedTo: () => (base.configFile === null ? [] : exposedTo(wiring, base.configFile)),
      plan: (next) =>
        makePlan(next, {
          ...base,
          agents: agents.all(),
          running: new Set(runs.live().map((run) => run.record.agent)),
          events: wiring.events,
        }),
    }),
  };
}
