/** What an agent is told when its conversation goes on in its first process. */
import { expect, test } from 'vitest';
import { ADOPTED, resumeWith } from '../../../../src/host/operations/launch/run-end.ts';

type Agent = Parameters<typeof resumeWith>[0];
const agent = (engine: object) =>
  ({ name: 'fixer', engine: { session: 's', ...engine } }) as unknown as Agent;

test('one that was begun by hand: it is not woken to hear that, unless it has a goal', () => {
  const waits = resumeWith(agent({ [ADOPTED]: true }), null, 0, null);
  expect(waits).toEqual({
    note: '',
    untold: expect.stringMatching(/^\[aether\] .*begun by a person.* agent fixer/),
  });
  const goes = resumeWith(agent({ [ADOPTED]: true }), null, 0, 'Finish it.');
  expect(goes).toEqual({ note: expect.stringMatching(/begun by a person.*Your goal is now: Finish it\.$/) });
  expect(resumeWith(agent({}), null, 0, null).note).not.toContain('begun by a person');
});
