/**
 * Events are added as a contributor would: one with its words; and one without, which compiles in neither renderer. The
 * compiler looks at both at once, with everything else that was added.
 */
import { expect } from 'vitest';
import type { Addition } from './addition.ts';
import type { Scratch } from './scratch.ts';

const TOPICS = 'src/host/events/topics.ts';
const SAMPLES = 'tests/support/sample-events.ts';
const SENTENCES = 'src/host/events/sentences.ts';
const PAGE = 'src/console/web/live/item-of.ts';
/** By project, the files that have to know each topic. The tests of the page are in the first. */
const TOTAL = {
  'tsconfig.json': [PAGE, 'src/host/cli/transcript.ts', SAMPLES],
  'src/console/web/tsconfig.json': [PAGE],
};
const WORDLESS = "  'agent.scorned': { by: string };\n";

export const event: Addition = {
  name: 'an event: two files and a sample are written',
  tests: ['tests/host/events'],
  add(scratch) {
    scratch.edit(
      TOPICS,
      "  'agent.removed': Record<never, never>;",
      "  'agent.removed': Record<never, never>;\n  'agent.praised': { by: string };",
    );
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

/** Everything compiles, except that a topic without words is missed where it would be shown, and nowhere else. */
export function expectOnlyWordsMissing(scratch: Scratch): void {
  const begin = "  'agent.removed': Record<never, never>;\n";
  scratch.edit(TOPICS, begin, begin + WORDLESS);
  for (const [project, files] of Object.entries(TOTAL)) {
    const complaints = scratch.complaints(project);
    expect([...new Set(complaints.map(({ file }) => file))].sort()).toEqual(files);
    for (const { text } of complaints) expect(text).toContain('agent.scorned');
  }
  scratch.edit(TOPICS, WORDLESS, '');
}
