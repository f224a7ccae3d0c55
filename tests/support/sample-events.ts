/** One event of every topic, or several where it comes in several forms. A new topic needs a sample to compile. */
import type { EventView, Topic, Topics } from '../../src/host/events/topics.ts';
import type { MemoryNote } from '../../src/host/shapes.ts';

const lease = { holder: 'ann@desk', generation: 3 };
const problem = { code: 'a.b', who: 'user', message: 'It broke.', next: 'Correct it.' } as const;
const swap = { opId: 'take-3-1', from: 0, to: 1 };
const step = { inject: 'inj_1', evidence: 'frame 7' };
const memory: MemoryNote = {
  id: 'mem_1',
  text: 'The staging server is blue.',
  key: 'staging',
  tags: ['infra'],
  scope: 'agent',
  layer: 'semantic',
  author: 'agent:coder',
  version: 2,
};
const marked = { stale: 2, possibly_stale: 1 };
const message = {
  id: 'msg_1',
  from: 'agent:coder',
  to: 'operator',
  subject: 'Done',
  body: 'All of it.',
  replyTo: null,
  sent_ms: 1,
  acked_ms: null,
} as const;

export const samples: { [T in Topic]: Topics[T][] } = {
  'host.started': [{ generation: 2, version: '0.1.0', adopted: ['run_1'] }],
  'host.stopped': [{ stoppedAgents: true }],
  'config.applied': [{ agents: ['coder'] }],
  'config.changed': [{ pending: [] }, { pending: ['coder'] }],
  'config.broken': [{ problem }],
  'events.redacted': [{ memory: 'mem_1', rows: [[3, 'ab']] }],
  'events.pruned': [{ through: 7, hash: 'ab', removed: 7, newest_ms: 1, why: 'size' }],
  'memory.indexing': [
    { memories: 20_000, why: 'new' },
    { memories: 20_000, why: 'form' },
    { memories: 20_000, why: 'damaged' },
  ],
  'memory.indexed': [{ memories: 20_000, ms: 900 }],
  'runs.removed': [{ runs: ['run_0'], bytes: 100 }],
  'door.shed': [{ door: 'the console', shed: 3, why: 'too many at once' }],
  'agent.added': [{ runtime: 'builtin' }],
  'door.replaced': [
    { door: 'run of coder', times: 1, why: 'another process removed or replaced its socket' },
  ],
  'agent.changed': [{ runtime: 'builtin' }, { runtime: 'builtin', narrowed: ['tools'] }],
  'agent.removed': [{}],
  'agent.adopted': [
    {
      ...{
        runtime: 'claude-code',
        id: '8f0b4478-42b1-4c1c-9758-83dc17a6fb34',
        session: 's',
        words: 'Look at this',
      },
      ...{
        file: '/home/u/.claude/projects/-p/8f0b4478.jsonl',
        directory: '/p',
        files: 3,
        bytes: 1_000,
        open: false,
      },
    },
    {
      ...{ runtime: 'claude-code', id: '8f0b4478-42b1-4c1c-9758-83dc17a6fb34', session: 's', words: null },
      ...{
        file: '/home/u/.claude/projects/-p/8f0b4478.jsonl',
        directory: '/p',
        files: 1,
        bytes: 10,
        open: true,
      },
    },
  ],
  'agent.failed': [{ problem }, { problem: null }],
  'run.starting': [
    { runtime: 'builtin', resumed: false, session: null },
    { runtime: 'builtin', resumed: true, session: 's', automatic: true },
    {
      ...{ runtime: 'builtin', resumed: true, session: 's', automatic: true },
      after: { failed: false, lived_ms: 200, failures: 0, short: 3 },
    },
    {
      ...{ runtime: 'builtin', resumed: false, session: null },
      ...{ sandbox: 'bubblewrap', sandboxWhy: 'it works here' },
    },
  ],
  'repository.setup': [
    {
      trusted: false,
      items: [{ file: '.claude/settings.json', kind: 'hook', what: 'SessionStart: make setup' }],
      more: 0,
    },
    { trusted: true, items: [{ file: '.mcp.json', kind: 'MCP server', what: 'db: npx db-mcp' }], more: 3 },
  ],
  'run.exited': [
    { code: 0, signal: null, cause: 'exited', killed: 0, survivors: 0 },
    { code: null, signal: 'SIGKILL', cause: 'exited', killed: 0, survivors: 0 },
    { code: 143, signal: null, cause: 'stopped', reason: 'stop', killed: 1, survivors: 0 },
  ],
  'run.lost': [
    {
      why: 'its shim is gone',
      means: 'cgroup2',
      killed: 1,
      survivors: 0,
      exact: true,
      certainty: 'all of it was found',
      journal_bytes_cut: 0,
    },
  ],
  'network.reached': [{ host: 'registry.npmjs.org', port: 443 }],
  'network.refused': [
    { host: 'evil.test', port: 443, reason: 'not-listed', count: 1 },
    { host: 'rebound.test', port: 80, reason: 'address', address: '127.0.0.1', count: 12 },
  ],
  'ports.hidden': [{ ports: [{ port: 5173, why: 'address in use' }] }],
  'run.leaked': [{ left: ['the sockets in /run/x'] }],
  'run.paused': [
    { opId: 'p', by: 'operator', means: 'cgroup2', processes: 3, ticks: 0, sample_ms: 100, took_ms: 4 },
    { opId: 'p', by: 'operator', means: 'descent', processes: 1, ticks: 0, sample_ms: 100, took_ms: 4 },
  ],
  'run.resumed': [
    { opId: 't', by: 'operator', reason: 'resume', paused_ms: 3_000 },
    { opId: 't', by: 'operator', reason: 'stop' },
  ],
  'run.stuck': (['report', 'interrupt', 'restart'] as const).map((action) => ({
    action,
    evidence: 'there was no progress for 3 min',
    activity: 'tool',
    since_ms: 1,
    engine_ticks: 0,
    other_ticks: 0,
  })),
  'run.moves': [{ after_ms: 180_000 }],
  'record.quarantined': [
    { of: 'line', offset: 90, bytes: 40, why: 'it nests 20,000 deep', excerpt: '[[[[', count: 1 },
  ],
  'journal.damaged': [{ from: 10, to: 90, why: 'a checksum does not fit' }],
  'journal.unreadable': [{ why: 'EIO' }],
  'process.started': [{ process: 0, role: 'engine', pid: 4711, io: 'pipes' }],
  'process.exited': [{ process: 0, code: 0, signal: null }],
  'swap.begun': [{ ...swap, phase: 'begun' }],
  'swap.done': [{ ...swap, phase: 'done' }],
  'swap.rolledBack': [{ ...swap, phase: 'rolledBack', why: 'it exited at once' }],
  'swap.failed': [{ ...swap, phase: 'failed', why: 'nothing came up' }],
  'activity.changed': [{ activity: 'tool', evidence: 'Bash runs', tool: 'Bash' }],
  'message.user': [{ text: 'Begin.' }, { text: 'by hand', typed: true }],
  'message.assistant': [{ text: 'I have begun.' }, { text: 'Hm.', thinking: true }],
  'tool.called': [{ toolUseId: 'toolu_1', tool: 'Bash', input: { command: 'ls' } }],
  'tool.finished': [{ toolUseId: 'toolu_1', text: 'README.md', isError: false }],
  'turn.ended': [{ outcome: 'done' }, { outcome: 'failed', text: 'no credit' }, { outcome: 'interrupted' }],
  'turn.interrupt-requested': [{ request: 'r' }],
  'turn.interrupted': [{ request: 'r' }],
  'mcp.status': [
    { servers: [{ name: 'aether', status: 'connected' }] },
    { servers: [{ name: 'aether', status: 'failed' }] },
  ],
  'engine.note': (['info', 'warn', 'error'] as const).map((level) => ({ level, text: 'A hook failed.' })),
  'subagent.began': [
    { subagent: 'agent:main:subagent:1', label: 'look it up' },
    { subagent: 'agent:main:subagent:1', label: null },
    { subagent: 'agent:main:subagent:1', label: 'look it up', task: 'Look up the rates of today.' },
  ],
  'subagent.ended': [
    { subagent: 'agent:main:subagent:1', label: 'look it up', ran_ms: 4_200 },
    { subagent: 'agent:main:subagent:1', label: 'look it up', ran_ms: 4_200, tokens: 812, outcome: 'failed' },
    { subagent: 'agent:main:subagent:1', label: null, ran_ms: 4_200 },
  ],
  'engine.retrying': [{ attempt: 2, delay_ms: 500, why: 'overloaded' }],
  'usage.recorded': [
    {
      model: 'm',
      input_tokens: 1,
      output_tokens: 2,
      cache_read_tokens: 3,
      cache_write_tokens: 4,
      cost_usd: null,
    },
  ],
  'inject.queued': [{ inject: 'inj_1', text: 'Use the 2024 figures.', priority: 'next' }],
  'inject.delivered': [step],
  'inject.seen': [step],
  'inject.acted': [step],
  'inject.cancelled': [step],
  'inject.dropped': [step],
  'inject.unknown': [step],
  'lease.requested': [{ ...lease, when: 'boundary' }],
  'lease.held': [lease, { ...lease, again: true }],
  'lease.returned': [
    { ...lease, note: 'Mind the gap.', diff: ['a.ts'], held_ms: 90_000 },
    { ...lease, why: 'the run ended', left: true, held_ms: 1_000 },
  ],
  'lease.cancelled': [lease],
  'lease.failed': [{ ...lease, why: 'the terminal did not come up' }],
  'lease.ended': [{ ...lease, why: 'the run ended', held_ms: 90_000 }],
  'lease.expired': [
    { ...lease, note: '', diff: ['a.ts'], held_ms: 600_000 },
    // As it was written before other ends had topics of their own.
    { ...lease, why: 'cancelled before the boundary', left: false },
  ],
  'hold.requested': [{}],
  'hold.held': [{ evidence: 'no turn runs' }],
  'hold.ended': [
    { why: 'resumed', held_ms: 200_000 },
    { why: 'resumed', held_ms: 0 },
    { why: 'stopped', held_ms: 5 },
  ],
  'authority.narrowed': [
    { sender: 'agent:scout', by: 'mail' },
    { sender: 'client:laptop', by: 'message' },
    { sender: 'agent:scout', by: 'memory' },
  ],
  'authority.widened': [{ senders: ['agent:scout', 'client:laptop'] }],
  'gate.bypassed': [{ toolUseId: 'toolu_1' }],
  'gate.policy-failed': [{ policy: 'budget', toolUseId: 'toolu_1', why: 'a bug' }],
  'approval.opened': [
    { approval: 'apr_1', kind: 'permission', title: 'Bash', detail: { tool: 'Bash', input: {} } },
    { approval: 'apr_2', kind: 'question', title: 'Which?', detail: { question: 'Which?', choices: ['a'] } },
  ],
  'approval.answered': [
    { approval: 'apr_1', answer: { allow: false, text: 'not on a Friday' }, by: 'operator' },
  ],
  'approval.withdrawn': [{ approval: 'apr_1' }],
  'mcp.called': [
    { tool: 'aether_report', ms: 0.4, ok: true },
    { tool: 'aether_report', toolUseId: 'toolu_1', ms: 0.4, ok: false, error: 'tool.not-granted' },
  ],
  'memory.stored': [
    { memory, replaced: false },
    { memory, replaced: true, superseded: ['mem_0'], marked },
  ],
  'memory.expired': [{ memories: ['mem_1'], count: 1, ...marked }],
  'memory.forgotten': [
    { memory },
    {
      memory: { id: 'mem_1', scope: 'agent', author: 'agent:coder', version: 2 },
      earlier: ['mem_0'],
      marked,
    },
  ],
  'feedback.given': [
    { thumb: 'up', event: 12, kept: 'mem_3' },
    { thumb: 'down', memory: 'mem_1' },
  ],
  'memory.embeddings': [
    { works: false, model: 'nomic-embed-text', why: 'The embedding endpoint cannot be reached.' },
    { works: true, model: 'nomic-embed-text' },
  ],
  'memory.pinned': [{ memory: 'mem_1', pinned: true }],
  'memory.recalled': [
    { at: 'start', memories: [memory.id], tokens: 120 },
    { at: 'compaction', memories: [memory.id, 'mem_2'], tokens: 240 },
  ],
  'mail.sent': [{ message }, { message, via: ['agent:scout'] }],
  'mail.acked': [{ ids: ['msg_1'] }],
  'report.made': [{ summary: 'All green.', status: 'done' }],
};

/** All of them as they are read, in one order. */
export const sampleEvents: EventView[] = Object.entries(samples)
  .flatMap(([topic, list]) => (list as unknown[]).map((data) => ({ topic, data })))
  .map(
    (fact, index) =>
      ({
        seq: index + 1,
        id: `event-${index + 1}`,
        cursor: `cursor-${index + 1}`,
        at_ms: 1_000 * (index + 1),
        agent: 'coder',
        run: 'run_1',
        principal: 'operator',
        grade: 'observed',
        ...fact,
      }) as EventView,
  );

export const samplesOf = (topic: Topic): EventView[] => sampleEvents.filter((event) => event.topic === topic);
