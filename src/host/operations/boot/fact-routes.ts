/** Passes each fact of a run to the operations that it concerns. */
import type { RunSink } from '../../runs/run.ts';
import { callOf, recordObserved } from '../launch/observe.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { markDelivered } from '../messages/inject.ts';
import { rememberRun } from '../recall/episode.ts';
import type { RunScreens } from '../takeover/screens.ts';
import type { Takeover } from '../takeover/takeover.ts';
import { endSubagents } from '../turn/subagents.ts';
import { recallAnswered, saysNothing } from '../turn/turn.ts';
import type { Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  | 'store'
  | 'clock'
  | 'ids'
  | 'log'
  | 'events'
  | 'agents'
  | 'runs'
  | 'injections'
  | 'leases'
  | 'approvals'
  | 'gates'
  | 'recalls'
  | 'memory'
  | 'memorySettings'
  | 'deliver'
  | 'closing'
  | 'touched'
>;

interface Later {
  takeover: Takeover;
  lifecycle: Lifecycle;
  screens: RunScreens;
}

/** @param later what is only made after this sink */
export function runSink(wiring: Needs, later: () => Later): RunSink {
  return {
    observed: (run, event, at_ms) => recordObserved(wiring, run, event, at_ms),
    recorded: (run, event) => {
      const begins = event.topic === 'process.started' && !event.data.beside;
      if (begins || event.topic === 'run.exited') endSubagents(wiring, run);
      wiring.events.append({
        ...event,
        agent: run.record.agent,
        run: run.id,
        principal: 'host',
        grade: 'observed',
      });
      if (event.topic === 'process.exited') later().takeover.left(run);
      if (!begins) return;
      wiring.gates.of(run).processStarted();
      saysNothing(run.record.turn);
    },
    wrote: (run, frame) => {
      markDelivered(wiring, run, frame);
      recallAnswered(run.record.turn, frame);
      wiring.gates.of(run).written(frame);
    },
    // Its input may be what could not be taken.
    refused: (run, asked, why) =>
      wiring.gates.of(run).refuse({ ...callOf(asked), input: {} }, wiring.clock.now(), why),
    swapped: (run, swap) => later().takeover.swapped(run, swap),
    exited: (run) => {
      later().lifecycle.exited(run);
      later().screens.follow(run);
      wiring.gates.forget(run);
      wiring.recalls.forget(run);
      rememberRun(wiring, run);
    },
    changed: (run) => {
      later().screens.follow(run);
      wiring.touched(run.record.agent);
      wiring.deliver(run.record.agent);
      wiring.gates.of(run).pass();
      wiring.recalls.pass(run);
    },
    attached: (run) => later().screens.follow(run),
    readTo: (run) => later().screens.readTo(run),
  };
}
