/** A holder who vanished: what becomes of the agent whose terminal nobody has any more. */
import { expect, it } from 'vitest';
import { openLog } from '../../../../src/host/log.ts';
import { returnExpired } from '../../../../src/host/operations/boot/recover.ts';
import type { Capabilities } from '../../../../src/runtimes/runtime.ts';

type Takeover = Parameters<typeof returnExpired>[1];

/** What the hand-back of an expired lease on an agent of such a runtime asks for. */
function returned(gate: Capabilities['gate']): unknown[] {
  const asked: unknown[] = [];
  const lease = { agent: 'coder', generation: 3 };
  const run = { runtime: { capabilities: { ...(gate && { gate }) } } };
  const wiring = {
    leases: { sweep: () => [lease] },
    runs: { of: () => run },
    log: openLog(undefined),
  } as unknown as Parameters<typeof returnExpired>[0];
  const takeover: Pick<Takeover, 'handback'> = {
    handback: async (_name, _run, input) => void asked.push([input.held, input.expired]),
  };
  returnExpired(wiring, takeover as Takeover);
  return asked;
}

it('goes back held, so that it does not go on unasked', () => {
  expect(returned({ wait_ms_max: null })).toEqual([[true, true]]);
});

it('is just given back where there is no gate: a hold of it would never come true, and keep its messages', () => {
  expect(returned(undefined)).toEqual([[false, true]]);
});
