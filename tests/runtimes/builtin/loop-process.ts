/** The builtin engine as a real process: what its tests need beyond what every engine's tests need. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtinRuntime } from '../../../src/runtimes/builtin/runtime.ts';
import type { AgentSpec, LaunchSpec, ObservedEvent } from '../../../src/runtimes/runtime.ts';
import { Desk, Engine, type EventOf, Observed } from '../../support/drive.ts';
import { programFile } from '../../support/program-file.ts';

export const runtime = builtinRuntime('0.0.0-test', programFile('runtimes/builtin/loop/main'));

/** A directory for one agent, with agents that may do anything unless told otherwise. */
export class LoopDesk extends Desk {
  loopAgent(overrides: Partial<AgentSpec> = {}): AgentSpec {
    return this.agent(runtime, {
      model: 'anthropic:scripted',
      permissions: { mode: 'allow', allow: [], deny: [] },
      ...overrides,
    });
  }

  /** @param name relative to the desk; the workspace is `workspace/` */
  write(name: string, content: string): string {
    const path = join(this.root, name);
    writeFileSync(path, content);
    return path;
  }

  conversation(session = this.place.run): string {
    return join(this.place.agentDir, 'conversations', `${session}.jsonl`);
  }

  /** The entries of the conversation file. */
  entries(session = this.place.run): Record<string, unknown>[] {
    return readFileSync(this.conversation(session), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

export class LoopProcess extends Engine {
  /** @param resume continues the conversation of the desk's run */
  static async start(desk: LoopDesk, agent: AgentSpec, resume: { note: string } | null = null) {
    const state = resume ? { session: desk.place.run } : null;
    return LoopProcess.from(await runtime.prepare(agent, desk.place, state, resume));
  }

  static from(spec: LaunchSpec): LoopProcess {
    return new LoopProcess(spec, new Observed(runtime));
  }

  get events(): ObservedEvent[] {
    return this.observed.events;
  }

  waitFor<KIND extends ObservedEvent['kind']>(
    kind: KIND,
    fits?: (event: EventOf<KIND>) => boolean,
    options?: { from?: number; deadline_ms?: number },
  ): Promise<EventOf<KIND>> {
    return this.observed.waitFor(kind, fits, options);
  }

  of<KIND extends ObservedEvent['kind']>(kind: KIND): EventOf<KIND>[] {
    return this.events.filter((event): event is EventOf<KIND> => event.kind === kind);
  }

  /** The first end of a turn from `from` on. */
  turnEnd(from = 0): Promise<EventOf<'turn-ended'>> {
    return this.waitFor('turn-ended', () => true, { from });
  }

  interrupt(requestId: string): void {
    this.write(runtime.interrupt!(requestId));
  }

  permit(requestId: string, allow: boolean, { message = null }: { message?: string | null } = {}): void {
    this.write(runtime.permission!({ requestId, allow, message, input: {} }));
  }
}
