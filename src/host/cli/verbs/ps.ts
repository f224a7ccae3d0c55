/** `aether ps`: every agent, what is known of it, and how it is known. */
import type { Command } from 'commander';
import type { AgentView, SubagentView } from '../../api.ts';
import { completed, hint } from '../hints.ts';
import { invocation, withHost } from '../invocation.ts';
import { columns, note, paint, print, printJson } from '../output.ts';
import { type Column, printTable } from '../table.ts';
import { age, oneLine, shorten } from '../text.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['ps'], place: 50, register: registerPs }];

function registerPs(program: Command): void {
  declareVerb(program, {
    usage: 'ps',
    summary: 'list the agents: state, activity, and the evidence for both',
    examples: ['aether ps', 'aether ps --json | jq -r \'.[] | select(.state=="failed").name\''],
  })
    .option('--json', 'an array with everything that is known')
    .action(async (options: { json?: boolean }, command: Command) => {
      await withHost(invocation(globalsOf(command)), async (client) => {
        const [agents, info] = await Promise.all([client.call('agents'), client.call('info')]);
        if (options.json) printJson(agents.map(agentJson));
        else printAgents(agents);
        const { configProblem, configWaits } = info;
        if (configProblem) note(`The file on disk is not applied: ${oneLine(configProblem.message)}`);
        for (const { agent, why } of configWaits)
          note(oneLine(`Waits for \`aether apply\`: ${agent === null ? '' : `${agent}: `}${why}`));
      });
    });
}

/** Times as ISO 8601: the form of a script, not of the wire. */
export function agentJson(view: AgentView): Record<string, unknown> {
  const { since_ms, ...rest } = view;
  return { ...rest, since: new Date(since_ms).toISOString() };
}

/** Names in one line. */
const SENDERS_SHOWN = 3;
/** Of one agent; the others are in `ps --json`. */
const SUBAGENTS_SHOWN = 5;

const STATE_FORMAT: Partial<Record<AgentView['state'], Parameters<typeof paint>[0]>> = {
  running: 'green',
  failed: 'red',
  unknown: 'red',
  stopping: 'yellow',
  starting: 'yellow',
  stopped: 'dim',
  exited: 'dim',
};

/** How many work for it, then one line for each: what it is called, does and has used, and what it is to do. */
function subagentLines({ name, subagents }: AgentView, now: number): string[] {
  if (subagents.length === 0) return [];
  const shown = subagents.slice(0, SUBAGENTS_SHOWN);
  const more = subagents.length - shown.length;
  return [
    oneLine(`${name} has ${subagents.length} ${subagents.length === 1 ? 'subagent' : 'subagents'} at work:`),
    ...shown.map((one) => `  ⑂ ${shorten(oneLine(subagentLine(one, now)), columns() - 4)}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

function subagentLine(
  { id, label, task, activity, tool, tokens, since_ms }: SubagentView,
  now: number,
): string {
  const does = { thinking: 'thinking', tool: `tool ${tool}`, 'waiting-for-operator': `asks to use ${tool}` };
  const used = tokens === null ? [] : [`${tokens} tokens`];
  const said = task === null || task === label ? '' : `: ${task}`;
  return `${[label ?? id, does[activity], age(since_ms, now), ...used].join(' · ')}${said}`;
}

function printAgents(agents: AgentView[]): void {
  if (agents.length === 0) {
    print(completed('No agents. Declare some in aether.yaml (`aether init` makes one), then `aether up`.'));
    return;
  }
  const now = Date.now();
  const table: Column<AgentView>[] = [
    { title: 'NAME', value: (view) => view.name, shrinkTo: 12 },
    { title: 'RUNTIME', value: (view) => view.runtime },
    { title: 'STATE', value: stateOf, paint: (view) => STATE_FORMAT[view.state] ?? null },
    { title: 'ACTIVITY', value: activityOf, shrinkTo: 8 },
    { title: 'FOR', value: (view) => age(view.since_ms, now) },
    { title: 'PID', value: (view) => (view.pid === null ? '-' : String(view.pid)) },
    { title: 'SANDBOX', value: (view) => view.sandbox },
    {
      title: 'EVIDENCE',
      value: (view) => `${view.evidence.grade} by ${view.evidence.source} ${age(view.evidence.at_ms, now)}`,
      shrinkTo: 8,
    },
    { title: 'LAST', value: lastOf, shrinkTo: 10, paint: (view) => (view.problem ? 'red' : null) },
  ];
  printTable(table, agents);
  for (const { name, narrowedBy } of agents) {
    if (narrowedBy.length === 0) continue;
    const who = `${narrowedBy.slice(0, SENDERS_SHOWN).join(', ')}${narrowedBy.length > SENDERS_SHOWN ? ', …' : ''}`;
    const text = `${name} has read text from ${who}: calls that they may not make wait for you`;
    print(paint('dim', `${oneLine(text)}; ${hint(`widen ${name}`)} trusts them.`));
  }
  for (const view of agents) for (const line of subagentLines(view, now)) print(paint('dim', line));
  for (const line of [...gapLines(agents), ...networkLines(agents)]) print(paint('dim', oneLine(line)));
  const open = agents.reduce((sum, view) => sum + view.openApprovals, 0);
  if (open > 0) {
    print(
      paint(
        'yellow',
        `${open} ${open === 1 ? 'question waits' : 'questions wait'} for you: ${hint('approvals')}`,
      ),
    );
  }
}

/** Whose grades are lower, by the reason. */
function gapLines(agents: AgentView[]): string[] {
  const reasons = Map.groupBy(
    agents.flatMap(({ name, gaps = [] }) => gaps.map((why) => ({ name, why }))),
    ({ why }) => why,
  );
  return [...reasons].map(
    ([why, of]) => `Weaker evidence about ${of.map(({ name }) => name).join(', ')}: ${why}.`,
  );
}

/** Where the operator finds their servers, and what does not hold. */
function networkLines(agents: AgentView[]): string[] {
  const lines = agents.flatMap(({ name, ports = [] }) =>
    ports.length === 0 ? [] : [`${name} shows ${ports.join(' ')}`],
  );
  const open = agents.filter(({ network }) => network?.startsWith('not enforced')).map(({ name }) => name);
  if (open.length > 0) lines.push(`network: is not enforced without a sandbox: ${open.join(', ')}`);
  const unsafe = agents.filter(({ network }) => network?.startsWith('unsafe')).map(({ name }) => name);
  if (unsafe.length > 0)
    lines.push(`network: host is unsafe, they reach all that listens on this machine: ${unsafe.join(', ')}`);
  return lines;
}

function stateOf(view: AgentView): string {
  return view.requested === null ? view.state : `${view.state} (${view.requested})`;
}

function activityOf({ activity, stuck }: AgentView): string {
  return `${activity ?? '-'}${stuck === null ? '' : ' (stuck)'}`;
}

function lastOf(view: AgentView): string {
  if (view.problem) return view.problem.message;
  if (view.stuck) return view.stuck.what;
  // It waits for its next start: why.
  if ((view.state === 'exited' || view.requested === 'start') && view.requestedEvidence)
    return view.requestedEvidence.what;
  if (view.lease?.phase === 'pending') return `${view.lease.holder} asks for the terminal`;
  if (view.lease) return `held by ${view.lease.holder}`;
  if (view.pending !== null) return `waits for \`aether apply\`: ${view.pending}`;
  return view.last ?? '-';
}
