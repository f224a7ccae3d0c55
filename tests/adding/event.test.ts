/** An event is added as a contributor would: a topic without words does not compile in either renderer; with them it does. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Scratch } from './scratch.ts';

const TOPICS = 'src/host/events/topics.ts';
const SAMPLES = 'tests/support/sample-events.ts';
const SENTENCES = 'src/host/events/sentences.ts';
const RENDERERS = {
  'tsconfig.json': 'src/host/cli/transcript.ts',
  'src/console/web/tsconfig.json': 'live/item-of.ts',
};

let scratch: Scratch;
beforeAll(() => {
  scratch = Scratch.make();
  scratch.edit(
    TOPICS,
    "  'agent.removed': Record<never, never>;",
    "  'agent.removed': Record<never, never>;\n  'agent.praised': { by: string };",
  );
}, 120_000);
afterAll(() => scratch.remove());

test('a topic that no renderer has words for does not compile', () => {
  for (const [project, file] of Object.entries(RENDERERS)) {
    let said = '';
    try {
      scratch.typecheck(project);
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toContain(file);
    expect(said).toContain('agent.praised');
  }
}, 120_000);

test('with a sentence both renderers have it, and two files and a sample are all that is written', () => {
  scratch.edit(
    SENTENCES,
    "  'agent.removed': () => plain('Removed from the fleet'),",
    "  'agent.removed': () => plain('Removed from the fleet'),\n  'agent.praised': (data) => plain('Praised by ' + data.by),",
  );
  scratch.edit(
    SAMPLES,
    "  'agent.removed': ",
    "  'agent.praised': [{ by: 'operator' }],\n  'agent.removed': ",
  );
  for (const project of Object.keys(RENDERERS)) scratch.typecheck(project);
  expect(scratch.touched()).toEqual({ generated: [], written: [SENTENCES, TOPICS, SAMPLES] });
}, 120_000);
