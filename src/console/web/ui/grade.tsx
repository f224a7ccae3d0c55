/** How sure a fact is: the word, and what it means. */
import type { Evidence } from '../../console-protocol.ts';
import { Explained } from './explained.tsx';

export const MEANING: Record<Evidence['grade'], string> = {
  enforced: 'Enforced: the host did it.',
  observed: 'Observed: the host saw it, and could have been deceived.',
  claimed: 'Claimed: the agent said so.',
};

/** `minor`: left out where there is little room. */
export function GradeWord({ evidence, minor = false }: { evidence: Evidence; minor?: boolean }) {
  return <span class={`grade ${evidence.grade} ${minor ? 'minor' : ''}`}>{evidence.grade}</span>;
}

/** By itself, with the evidence. */
export function Grade({ evidence }: { evidence: Evidence }) {
  return (
    <Explained evidence={evidence} tip={MEANING[evidence.grade]}>
      <GradeWord evidence={evidence} />
    </Explained>
  );
}
