/**
 * What every Runtime has to be able to do, run against real processes. An engine joins by telling how its tools are
 * called and how one learns what its model was told; a program in a terminal by how it is started. Whatever it is able
 * to do it does in a sandbox, too: the short form there is what a box could break, AETHER_LONG=1 or
 * AETHER_TEST_SANDBOX=bubblewrap has all of it.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Capabilities } from '../../src/runtimes/runtime.ts';
import { whyNoBox } from '../support/box.ts';
import { WAIT } from '../support/drive.ts';
import { LONG } from '../support/run-tree.ts';
import { type AnySubject, Bench, type Place, type Subject, type TerminalSubject } from './runtime-bench.ts';
import { besideConformance } from './runtime-beside.ts';
import { engineBoxConformance, terminalBoxConformance } from './runtime-box.ts';
import { conversationConformance, endConformance, handoverConformance } from './runtime-conversation.ts';
import { gateConformance } from './runtime-gate.ts';
import { launchConformance } from './runtime-launch.ts';
import { messageConformance } from './runtime-messages.ts';
import { observerConformance } from './runtime-observer.ts';
import { terminalConformance } from './runtime-terminal.ts';
import { turnConformance } from './runtime-turns.ts';

/** Real engines on a machine that has other things to do. */
const TEST_MS = 90_000;
/** Of one that takes tens of seconds of CPU to start. */
const COSTLY_TEST_MS = 400_000;
const COSTLY_WAIT_MS = 120_000;

/** The only place that is to be tried; undefined: each, boxes in their short form. */
const ONLY = process.env.AETHER_TEST_SANDBOX as Place | undefined;

const noBox = await whyNoBox();
if (noBox !== null) process.stderr.write(`!! runtimes in bubblewrap CANNOT BE TESTED HERE: ${noBox}\n`);

interface Forms<S extends AnySubject> {
  whole: (bench: Bench<S>) => void;
  /** In a box, of the whole: what it could break; and what is asked of boxes alone. */
  short?: (bench: Bench<S>) => void;
  boxed: (bench: Bench<S>) => void;
}

/** On the engine of a fleet, which the bench is given before (TakenEngine): for one that is too dear to be started again. */
export function employedConformance(bench: Bench, declared: Capabilities): void {
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());
  turnConformance(bench, declared);
  messageConformance(bench, declared);
  observerConformance(bench);
  gateConformance(bench);
}

/**
 * For a runtime whose engine speaks in lines. It is asked for what it declares, and for nothing else.
 * @param declared the capabilities of the subject's runtime
 */
export function runtimeConformance(
  name: string,
  setup: () => Promise<Subject>,
  declared: Capabilities,
  { costly = false, besides = () => undefined }: Form = {},
): void {
  const { takeover, gate, resume } = declared;
  const handover = takeover === 'swap' ? handoverConformance : besideConformance;
  suite(
    name,
    declared,
    setup,
    {
      whole(bench) {
        turnConformance(bench, declared);
        messageConformance(bench, declared);
        observerConformance(bench);
        // The last tests of these end an engine that has worked for the others.
        if (gate !== undefined) gateConformance(bench);
        if (resume) conversationConformance(bench, declared);
        // A terminal beside it finds its engine in the run's own network, which a host makes: tested with one.
        if (takeover === 'swap' || bench.place === 'none') handover(bench);
        besides(bench);
        endConformance(bench);
      },
      ...(takeover === 'swap' ? { short: handover } : {}),
      boxed: engineBoxConformance,
    },
    costly,
  );
}

interface Form {
  /**
   * A start takes tens of seconds of CPU: but for AETHER_LONG=1 the tests of its engine are with the one that its fleet has
   * (employedConformance).
   */
  costly?: boolean;
  /** What is asked of this engine alone, on the one that works for the suite. */
  besides?: (bench: Bench) => void;
}

/** For a runtime whose engine is a program in a terminal: what a structured channel is needed for is left out. */
export function terminalRuntimeConformance(
  name: string,
  setup: () => Promise<TerminalSubject>,
  declared: Capabilities,
): void {
  suite(name, declared, setup, {
    whole: terminalConformance,
    boxed: terminalBoxConformance,
  });
}

function suite<S extends AnySubject>(
  name: string,
  declared: Capabilities,
  setup: () => Promise<S>,
  forms: Forms<S>,
  costly = false,
): void {
  const elsewhere = costly && !LONG;
  for (const place of ['none', 'bubblewrap'] as const) {
    if (elsewhere && place !== 'none') continue;
    if (place !== (ONLY ?? place) || (place !== 'none' && noBox !== null)) continue;
    const title = place === 'none' ? name : `${name} in ${place}`;
    describe(`${title} is a runtime`, { timeout: costly ? COSTLY_TEST_MS : TEST_MS }, () => {
      const bench = new Bench(setup, place);
      if (costly) WAIT.ms = COSTLY_WAIT_MS;
      beforeAll(() => bench.open());
      afterAll(() => bench.close());
      beforeEach(() => bench.begin());
      afterEach(() => bench.end());

      if (place === 'none' || LONG || ONLY !== undefined) {
        it('is measured by what it declares, which fits together', () => {
          expect(bench.runtime.capabilities).toEqual(declared);
          const { engine, takeover, turns, gate } = declared;
          expect(turns !== undefined).toBe(engine === 'structured');
          expect(takeover === 'direct').toBe(engine === 'pty');
          expect(turns?.asks.is === 'everything').toBe(gate !== undefined);
          expect(turns?.conversation.is === 'shared').toBe(takeover === 'beside');
        });
        launchConformance(bench);
        if (!elsewhere) forms.whole(bench);
      } else {
        forms.short?.(bench);
      }
      if (place !== 'none') forms.boxed(bench);
    });
  }
}
