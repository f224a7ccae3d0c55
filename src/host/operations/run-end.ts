/** What the end of a run says: of whoever left it, and of why its agent is not started again. */
import { AetherError, isDiskFull } from '../errors.ts';
import { exitSentence } from '../runs/facts.ts';
import { lastWords } from '../runs/lines.ts';
import type { AgentRecord } from '../store/agents.ts';
import type { RunRecord } from '../store/runs.ts';

/** Whoever held the terminal left it in its own way (/exit, Ctrl-D): that hands back, and is no end of the agent. */
export function leftByHand(record: RunRecord): boolean {
  return record.exit?.cause === 'exited' && record.floor.role === 'terminal';
}

/** The host's disk or the shim's: in the end the same one. */
export function noRoom(error: unknown): boolean {
  return isDiskFull(error) || (error instanceof AetherError && error.code === 'shim-disk-full');
}

export function crashProblem(agent: AgentRecord, record: RunRecord): AgentRecord['problem'] {
  const { exit, floor } = record;
  const last = lastWords(floor.printed ?? '') ?? record.last;
  const how =
    exit === null
      ? 'it ended'
      : exit.cause === 'lost'
        ? `the run was lost (${exit.reason ?? 'unknown'})`
        : exitSentence(exit as never);
  const again = agent.config.restart.policy === 'never' ? '' : ` It failed ${agent.failures} times in a row.`;
  return {
    code: 'agent.crashed',
    who: 'runtime',
    message: `${agent.name} does not run: ${how}.${again}${last === null ? '' : ` Last seen: ${last}`}`,
    next: `See \`aether logs ${agent.name}\`, mend it, then \`aether start ${agent.name}\`.`,
  };
}

export function survivorsProblem(agent: AgentRecord, record: RunRecord): AgentRecord['problem'] {
  const survivors = record.exit?.survivors ?? 0;
  return {
    code: 'run.survivors',
    who: 'host',
    message: `${agent.name} was lost, and ${survivors} of its processes could not be killed: they wait in the kernel or are not ours.`,
    next: `Find them with \`grep -al AETHER_RUN=${record.id} /proc/[0-9]*/environ\`; when they are gone, \`aether start ${agent.name}\`.`,
  };
}
