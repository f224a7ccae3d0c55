/**
 * What every Runtime has to be able to do, run against real processes. An engine joins by telling how its tools are
 * called and how one learns what its model was told; a program in a terminal by how it is started.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Runtime } from '../../src/runtimes/runtime.ts';
import { type AnySubject, Bench, type Subject, type TerminalSubject } from './runtime-bench.ts';
import { conversationConformance } from './runtime-conversation.ts';
import { gateConformance } from './runtime-gate.ts';
import { launchConformance } from './runtime-launch.ts';
import { messageConformance } from './runtime-messages.ts';
import { observerConformance } from './runtime-observer.ts';
import { terminalConformance } from './runtime-terminal.ts';
import { turnConformance } from './runtime-turns.ts';

/** Real engines on a machine that has other things to do. */
const TEST_MS = 90_000;

/** For a runtime whose engine speaks in lines. */
export function runtimeConformance(name: string, setup: () => Promise<Subject>): void {
  suite(name, 'structured', setup, (bench) => {
    turnConformance(bench);
    messageConformance(bench);
    conversationConformance(bench);
    observerConformance(bench);
    gateConformance(bench);
  });
}

/** For a runtime whose engine is a program in a terminal: what a structured channel is needed for is left out. */
export function terminalRuntimeConformance(name: string, setup: () => Promise<TerminalSubject>): void {
  suite(name, 'pty', setup, terminalConformance);
}

function suite<S extends AnySubject>(
  name: string,
  engine: Runtime['capabilities']['engine'],
  setup: () => Promise<S>,
  more: (bench: Bench<S>) => void,
): void {
  describe(`${name} is a runtime`, { timeout: TEST_MS }, () => {
    const bench = new Bench(setup);
    beforeAll(() => bench.open());
    afterAll(() => bench.close());
    beforeEach(() => bench.begin());
    afterEach(() => bench.end());

    it('is measured by what it says it is', () => {
      expect(bench.runtime.capabilities.engine).toBe(engine);
    });
    launchConformance(bench);
    more(bench);
  });
}
