/** The control door in front of a scripted host, in a state directory of its own: what the command line talks to. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventsFilter, EventView, LeaseView } from '../../src/host/api.ts';
import { ControlClient } from '../../src/host/control/client.ts';
import { type ControlDoor, openControlDoor } from '../../src/host/control/server.ts';
import type { Admit } from '../../src/host/doors/unix-door.ts';
import { openLog } from '../../src/host/log.ts';
import { socketPaths, statePaths } from '../../src/host/paths.ts';
import { acquireLock } from '../../src/host/process/lock.ts';
import { runtimeDirectory } from '../../src/host/process/sockets.ts';
import { HostDouble } from './host-double.ts';

/** A scripted host that counts what is asked of its event log. */
export class CountingHost extends HostDouble {
  /** Live subscriptions. */
  followers = 0;
  /** Events handed out by events(). */
  eventsRead = 0;

  /** Notes of the hand-backs, in order. */
  readonly notes: (string | undefined)[] = [];

  override handback(
    name: string,
    input: { generation: number; note?: string; held?: boolean },
  ): Promise<void> {
    this.notes.push(input.note);
    return super.handback(name, input);
  }

  /** As the host does it: resolves once the floor is held. */
  override async takeover(
    name: string,
    input: { holder: string; when: 'boundary' | 'now'; cols: number; rows: number },
  ): Promise<LeaseView> {
    const { generation } = await super.takeover(name, input);
    for (;;) {
      const { lease } = this.agent(name);
      if (lease?.generation !== generation) throw new Error(`the takeover of ${name} came to nothing`);
      if (lease.phase === 'held') return lease;
      await new Promise<void>((resolve) => {
        const stop = this.followAgents(() => {
          stop();
          resolve();
        });
      });
    }
  }

  override follow(listener: (event: EventView) => void): () => void {
    const stop = super.follow(listener);
    this.followers += 1;
    return () => {
      this.followers -= 1;
      stop();
    };
  }

  /** The next stage of a message's receipt, with its event. */
  advance(id: string, stage: 'delivered' | 'seen' | 'acted'): void {
    const view = this.injection(id);
    view.state = stage;
    view.steps.push({ stage, at_ms: this.now(), evidence: 'scripted' });
    this.emit(`inject.${stage}`, view.agent, { inject: id, evidence: 'scripted' });
  }

  override events(filter: EventsFilter): EventView[] {
    const page = super.events(filter);
    this.eventsRead += page.length;
    return page;
  }
}

/** Who the door says its clients are. */
const OPERATOR_LABEL = 'ada@tests';

export interface ControlFixture {
  stateDir: string;
  socketPath: string;
  host: CountingHost;
  door: ControlDoor;
  connect(): Promise<ControlClient>;
  close(): Promise<void>;
}

export async function controlFixture(options: { admit?: Admit } = {}): Promise<ControlFixture> {
  const stateDir = mkdtempSync(join(tmpdir(), 'aether-control-'));
  const runtimeDir = runtimeDirectory(stateDir);
  const host = new CountingHost(stateDir);
  const socketPath = socketPaths(runtimeDir).control;
  // As a host has it.
  const lock = acquireLock(join(stateDir, 'host.lock'));
  writeFileSync(statePaths(stateDir).pid, `${process.pid}\n`);
  const door = await openControlDoor({
    verbs: host.verbs,
    asker: { principal: 'operator', label: OPERATOR_LABEL },
    socketPath,
    admit: options.admit ?? (() => true),
    log: openLog(undefined),
    version: '0.1.0',
  });
  return {
    stateDir,
    socketPath,
    host,
    door,
    connect: () => ControlClient.connect(socketPath, stateDir),
    async close() {
      await door.close();
      host.close();
      lock?.release();
      rmSync(stateDir, { recursive: true, force: true });
      rmSync(runtimeDir, { recursive: true, force: true });
    },
  };
}
