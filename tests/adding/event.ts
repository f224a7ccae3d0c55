/**
 * Events are added as a contributor would: one with its words; and one without, which compiles in neither renderer. The
 * compiler looks at both at once, with everything else that was added.
 */
import { expect } from 'vitest';
import { LONG } from '../support/run-tree.ts';
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

/**
 * The project of all but the page, as it is looked at: whole in the long form; without it what was added, what has to
 * know each topic, and all that these import, which is a third of the work.
 */
function projectOf(scratch: Scratch, project: string): string {
  if (LONG || project !== 'tsconfig.json') return project;
  const added = scratch
    .added()
    .filter((file) => file.endsWith('.ts') && !file.startsWith('src/console/web/'));
  const own = {
    extends: './tsconfig.json',
    compilerOptions: { incremental: false, tsBuildInfoFile: null },
    include: [],
    files: [...added, ...TOTAL[project]],
  };
  scratch.write('tsconfig.added.json', JSON.stringify(own));
  return 'tsconfig.added.json';
}

/** Everything compiles, except that a topic without words is missed where it would be shown, and nowhere else. */
export function expectOnlyWordsMissing(scratch: Scratch): void {
  const begin = "  'agent.removed': Record<never, never>;\n";
  scratch.edit(TOPICS, begin, begin + WORDLESS);
  for (const [project, files] of Object.entries(TOTAL)) {
    const complaints = scratch.complaints(projectOf(scratch, project));
    expect([...new Set(complaints.map(({ file }) => file))].sort()).toEqual(files);
    for (const { text } of complaints) expect(text).toContain('agent.scorned');
  }
  scratch.edit(TOPICS, WORDLESS, '');
}
