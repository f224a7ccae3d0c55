/** An event is added as a contributor would: a topic without words does not compile in either renderer; with them it does. */
import { expect } from 'vitest';
import type { Addition } from './addition.ts';

const TOPICS = 'src/host/events/topics.ts';
const SAMPLES = 'tests/support/sample-events.ts';
const SENTENCES = 'src/host/events/sentences.ts';
const RENDERERS = {
  'tsconfig.json': 'src/host/cli/transcript.ts',
  'src/console/web/tsconfig.json': 'live/item-of.ts',
};

export const event: Addition = {
  name: 'an event: a topic that a renderer has no words for does not compile; two files and a sample are written',
  tests: ['tests/host/events'],
  add(scratch) {
    scratch.edit(
      TOPICS,
      "  'agent.removed': Record<never, never>;",
      "  'agent.removed': Record<never, never>;\n  'agent.praised': { by: string };",
    );
    for (const [project, file] of Object.entries(RENDERERS)) {
      const complaint = scratch.complaintsAbout(project, file);
      expect(complaint).toContain(file);
      expect(complaint).toContain('agent.praised');
    }
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
    expect(scratch.touched()).toEqual({ generated: [], written: [SENTENCES, TOPICS, SAMPLES] });
  },
};
