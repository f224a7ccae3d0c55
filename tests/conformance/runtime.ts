/**
 * What every Runtime with a structured engine has to be able to do, run against real processes. An engine joins by
 * telling how its tools are called and how one learns what its model was told; the suite does the rest.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest';
import { Bench, type Subject } from './runtime-bench.ts';
import { conversationConformance } from './runtime-conversation.ts';
import { gateConformance } from './runtime-gate.ts';
import { launchConformance } from './runtime-launch.ts';
import { messageConformance } from './runtime-messages.ts';
import { observerConformance } from './runtime-observer.ts';
import { turnConformance } from './runtime-turns.ts';

/** Real engines on a machine that has other things to do. */
const TEST_MS = 90_000;

export function runtimeConformance(name: string, setup: () => Promise<Subject>): void {
  describe(`${name} is a runtime`, { timeout: TEST_MS }, () => {
    const bench = new Bench(setup);
    beforeAll(() => bench.open());
    afterAll(() => bench.close());
    beforeEach(() => bench.begin());
    afterEach(() => bench.end());

    launchConformance(bench);
    turnConformance(bench);
    messageConformance(bench);
    conversationConformance(bench);
    observerConformance(bench);
    gateConformance(bench);
  });
}
