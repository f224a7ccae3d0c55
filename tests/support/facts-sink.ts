/** Where the facts of a run's journal go, as in a host, for tests without takeovers and lifecycle. */
import { openLog } from '../../src/host/log.ts';
import { runSink } from '../../src/host/operations/boot/fact-routes.ts';
import { RunScreens } from '../../src/host/operations/takeover/screens.ts';
import type { Wiring } from '../../src/host/operations/wiring.ts';

export function factsSink(wiring: Wiring): ReturnType<typeof runSink> {
  const none = (): never => {
    throw new Error('no takeover here');
  };
  const screens = new RunScreens({
    clock: wiring.clock,
    log: openLog(undefined),
    version: '0',
    terminalSettings: () => ({ scrollback_lines: 0 }),
  });
  return runSink(wiring, () => ({
    screens,
    get takeover() {
      return none();
    },
    get lifecycle() {
      return none();
    },
  }));
}
