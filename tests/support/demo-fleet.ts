/**
 * A day in the life of a small fleet, for looking at the console and for tests of it: every kind of event, every
 * state, the lengths and the words real agents have.
 */
import type { AgentView } from '../../src/host/api.ts';
import type { HostDouble } from './host-double.ts';

const MINUTE = 60_000;

type Step = [seconds: number, topic: string, data?: Record<string, unknown>];

/** Emits the steps as having happened, ending `ago_ms` before now. */
function play(host: HostDouble, agent: string, ago_ms: number, steps: Step[]): void {
  const total = steps.reduce((sum, [seconds]) => sum + seconds * 1_000, 0);
  let at = host.now() - ago_ms - total;
  for (const [seconds, topic, data] of steps) {
    at += seconds * 1_000;
    host.emit(topic, agent, data ?? {}, Math.round(at), topic.startsWith('inject.') ? 'operator' : 'host');
  }
}

const call = (id: string, tool: string, input: unknown): Step => [
  2,
  'tool.called',
  { toolUseId: id, tool, input },
];
const done = (id: string, text: string, seconds = 1, isError = false): Step => [
  seconds,
  'tool.finished',
  { toolUseId: id, text, isError },
];
const says = (text: string, seconds = 4): Step => [seconds, 'message.assistant', { text }];

function evidence(host: HostDouble, source: string, what: string, ago_ms: number): AgentView['evidence'] {
  return { source, grade: source === 'shim' ? 'enforced' : 'observed', what, at_ms: host.now() - ago_ms };
}

export function demoFleet(host: HostDouble): void {
  const now = host.now();
  const shim = (what: string, ago_ms: number) => evidence(host, 'shim', what, ago_ms);
  const stream = (what: string, ago_ms: number) => evidence(host, 'stream', what, ago_ms);

  host.set('coder', {
    goal: 'Make refunds idempotent: a retried refund request must never pay out twice. Keep the public API as it is.',
    model: 'claude-sonnet-4-5',
    activity: 'tool',
    activityEvidence: stream('tool_use Bash', 12_000),
    since_ms: now - 52 * MINUTE,
    evidence: shim('engine process 41233 runs', 52 * MINUTE),
    last: 'Bash: npm test -- refunds',
    cost_usd: 1.84,
    tokens: { input: 412_000, output: 18_400 },
    workspace: '/srv/payments/worktrees/refunds',
  });
  host.set('reviewer', {
    goal: 'Review what coder changes; look for races and for money that is counted twice.',
    model: 'claude-opus-4-1',
    activity: 'waiting-for-operator',
    activityEvidence: stream('can_use_tool Bash', 2 * MINUTE),
    since_ms: now - 48 * MINUTE,
    evidence: shim('engine process 41310 runs', 48 * MINUTE),
    last: 'asks for permission: Bash',
    cost_usd: 0.97,
    tokens: { input: 201_000, output: 9_100 },
    unreadMail: 2,
    workspace: '/srv/payments/worktrees/refunds',
  });
  host.set('researcher', {
    goal: 'How do the four acquirers we use deduplicate refunds? Primary sources only.',
    runtime: 'builtin',
    model: 'gemini-2.5-pro',
    activity: 'waiting-for-operator',
    activityEvidence: stream('aether_ask_operator', 9 * MINUTE),
    since_ms: now - 95 * MINUTE,
    evidence: shim('engine process 40877 runs', 95 * MINUTE),
    last: 'asks: which acquirer first?',
    cost_usd: 0.31,
    tokens: { input: 96_000, output: 5_300 },
    workspace: '/srv/payments/notes',
  });
  host.set('migrator', {
    goal: 'Move the ledger tables to bigint identifiers, online.',
    state: 'failed',
    activity: null,
    pid: null,
    since_ms: now - 7 * MINUTE,
    evidence: shim('exited with code 1, five times in 90 s', 7 * MINUTE),
    activityEvidence: null,
    restarts: 5,
    last: 'psql: connection refused',
    cost_usd: 0.12,
    exit: { code: 1, signal: null, cause: 'exited', at_ms: now - 7 * MINUTE },
    problem: {
      code: 'run.crash-loop',
      who: 'runtime',
      message: 'migrator ended with code 1 five times within 90 s, so it is not started again by itself.',
      next: 'Read its last output with `aether logs migrator`, then start it again.',
    },
  });
  host.set('docs', {
    goal: 'Keep the API reference in step with the code.',
    model: 'claude-haiku-4-5',
    activity: 'idle',
    activityEvidence: stream('result: done', 21 * MINUTE),
    since_ms: now - 3 * 60 * MINUTE,
    evidence: shim('engine process 39002 runs', 3 * 60 * MINUTE),
    last: 'Updated docs/refunds.md',
    cost_usd: 0.22,
    tokens: { input: 64_000, output: 7_700 },
  });
  host.set('release', {
    goal: 'Cut the release when main is green.',
    activity: 'thinking',
    activityEvidence: stream('partial message', 3_000),
    since_ms: now - 14 * MINUTE,
    evidence: shim('engine process 41877 runs', 14 * MINUTE),
    last: 'Comparing changelog entries with merged pull requests',
    cost_usd: 0.44,
    pending: 'model changed',
  });
  host.set('watcher', {
    runtime: 'command',
    goal: 'tail -F on the payment gateway log',
    activity: 'unknown',
    activityEvidence: shim('prints', 1_000),
    since_ms: now - 26 * 60 * MINUTE,
    evidence: shim('process 38110 runs', 26 * 60 * MINUTE),
    last: '201 POST /v1/refunds 38ms',
    terminal: { available: true, cols: 100, rows: 30, kind: 'engine' },
  });
  host.set('triage', {
    goal: 'Sort incoming bug reports.',
    state: 'stopped',
    activity: null,
    wanted: 'stopped',
    pid: null,
    activityEvidence: null,
    since_ms: now - 2 * 24 * 60 * MINUTE,
    evidence: evidence(host, 'operator', 'aether stop triage', 2 * 24 * 60 * MINUTE),
    last: 'Labelled 14 issues',
    cost_usd: 0.08,
  });

  coder(host);
  reviewer(host);
  researcher(host);
  play(host, 'migrator', 7 * MINUTE, [
    [1, 'run.starting', { pid: 41990 }],
    says('The ledger has 41 M rows; I will add the new columns first and backfill in batches of 10 000.'),
    call('m1', 'Bash', { command: 'psql "$LEDGER_URL" -c "\\d+ ledger_entries"' }),
    done(
      'm1',
      'psql: error: connection to server at "10.2.0.14", port 5432 failed: Connection refused',
      2,
      true,
    ),
    [1, 'run.exited', { code: 1, signal: null, cause: 'exited' }],
    [
      1,
      'agent.failed',
      {
        problem: {
          code: 'run.crash-loop',
          who: 'runtime',
          message: 'migrator ended with code 1 five times within 90 s, so it is not started again by itself.',
          next: 'Read its last output with `aether logs migrator`, then start it again.',
        },
      },
    ],
  ]);
  const watcher = host.terminal('watcher');
  watcher.begin({ run: 'run_watcher', process: 1, cols: 100, rows: 30 });
  watcher.feed(Buffer.from(gatewayLog()));
}

function coder(host: HostDouble): void {
  play(host, 'coder', 12_000, [
    [1, 'run.starting', { pid: 41233 }],
    [
      1,
      'message.user',
      {
        text: 'Make refunds idempotent: a retried refund request must never pay out twice. Keep the public API as it is.',
      },
    ],
    [
      3,
      'message.assistant',
      {
        thinking: true,
        text: 'The handler inserts the refund and then calls the acquirer. If the second step times out the client retries, and nothing ties the second request to the first.\n\nAn idempotency key on the request, unique per merchant, would do it.',
      },
    ],
    says('I’ll look at how a refund is created today before changing anything.'),
    call('c1', 'Grep', { pattern: 'createRefund', path: 'src' }),
    done('c1', 'src/refunds/handler.ts:41\nsrc/refunds/handler.test.ts:12\nsrc/api/routes.ts:88'),
    call('c2', 'Read', { file_path: 'src/refunds/handler.ts' }),
    done(
      'c2',
      'export async function createRefund(request: RefundRequest) {\n  const refund = await db.refunds.insert({ … });\n  await acquirer.refund(refund);\n  return refund;\n}',
    ),
    call('c3', 'mcp__aether__aether_memory_search', { query: 'idempotency key convention' }),
    done(
      'c3',
      '{"memories":[{"text":"Idempotency keys: header Idempotency-Key, kept 72 h, unique per merchant.","score":0.91}],"total":1}',
    ),
    says(
      'There is a convention already: header `Idempotency-Key`, kept **72 h**, unique per merchant. The handler ignores it. Two things are missing:\n\n1. a unique index on `(merchant_id, idempotency_key)`\n2. the handler must return the *stored* refund when the insert conflicts, and must not call the acquirer again\n\nThe order matters: the row is written **before** the acquirer is called, so a crash between the two leaves a refund in state `pending`, which the sweeper picks up.',
      9,
    ),
    call('c4', 'Edit', {
      file_path: 'src/refunds/handler.ts',
      old_string:
        'export async function createRefund(request: RefundRequest) {\n  const refund = await db.refunds.insert(toRow(request));\n  await acquirer.refund(refund);\n  return refund;\n}',
      new_string:
        'export async function createRefund(request: RefundRequest) {\n  const { refund, created } = await db.refunds.insertOnce(toRow(request));\n  // A retry gets what the first attempt made; the sweeper finishes what it left pending.\n  if (!created) return refund;\n  await acquirer.refund(refund);\n  return refund;\n}',
    }),
    done('c4', 'The file has been updated.'),
    call('c5', 'Write', {
      file_path: 'migrations/0042_refund_idempotency.sql',
      content:
        'ALTER TABLE refunds ADD COLUMN idempotency_key text;\nCREATE UNIQUE INDEX CONCURRENTLY refunds_once\n  ON refunds (merchant_id, idempotency_key)\n  WHERE idempotency_key IS NOT NULL;\n',
    }),
    done('c5', 'File created.'),
    call('c6', 'Bash', { command: 'npm test -- refunds' }),
    done(
      'c6',
      ' FAIL  src/refunds/handler.test.ts > a retry within 72 h returns the first refund\nAssertionError: expected 2 calls to acquirer.refund, wanted 1\n\n Tests  1 failed | 23 passed (24)',
      38,
      true,
    ),
    says(
      'The fake acquirer in the test counts calls of *all* merchants. I’ll scope it, then run the suite again.',
    ),
    [40, 'lease.held', { holder: 'console-7c1e', generation: 3 }],
    [
      154,
      'lease.returned',
      {
        holder: 'console-7c1e',
        generation: 3,
        note: 'Fixed the fake acquirer myself, it was mine. Please go on with the sweeper.',
        diff: ['test/fakes/acquirer.ts', 'test/fakes/index.ts'],
      },
    ],
    [
      1,
      'inject.queued',
      {
        inject: 'inj_1',
        text: 'The sweeper runs every 5 minutes, not every minute: check the alert threshold too.',
        priority: 'next',
      },
    ],
    [2, 'inject.delivered', { inject: 'inj_1', evidence: 'written to the engine, frame 18' }],
    [6, 'inject.seen', { inject: 'inj_1', evidence: 'command_lifecycle started' }],
    [
      1,
      'message.user',
      {
        text: 'The sweeper runs every 5 minutes, not every minute: check the alert threshold too.',
        injectId: 'inj_1',
      },
    ],
    says(
      'Thanks. With a five-minute sweep the alert at three minutes would fire for every healthy retry; I’ll raise it to twelve.',
    ),
    call('c7', 'Edit', {
      file_path: 'ops/alerts.yaml',
      old_string: '  - alert: RefundStuck\n    expr: refund_pending_age_seconds > 180\n    severity: page',
      new_string: '  - alert: RefundStuck\n    expr: refund_pending_age_seconds > 720\n    severity: page',
    }),
    done('c7', 'The file has been updated.'),
    call('c8', 'mcp__aether__aether_memory_store', {
      key: 'refunds/sweeper',
      text: 'The refund sweeper runs every 5 minutes; RefundStuck alerts after 12.',
      tags: ['refunds', 'ops'],
    }),
    [
      1,
      'memory.stored',
      {
        memory: {
          key: 'refunds/sweeper',
          text: 'The refund sweeper runs every 5 minutes; RefundStuck alerts after 12.',
          tags: ['refunds', 'ops'],
          scope: 'shared',
        },
      },
    ],
    done('c8', '{"stored":true}'),
    call('c9', 'mcp__aether__aether_mail_send', {
      to: 'reviewer',
      subject: 'Refund idempotency is ready to read',
      body: 'Three files. The interesting part is `insertOnce`: please try to break it with two merchants and one key.',
    }),
    [
      1,
      'mail.sent',
      {
        message: {
          from: 'agent:coder',
          to: 'reviewer',
          subject: 'Refund idempotency is ready to read',
          body: 'Three files. The interesting part is `insertOnce`: please try to break it with two merchants and one key.',
        },
      },
    ],
    done('c9', '{"sent":true}'),
    [2, 'usage.recorded', { model: 'claude-sonnet-4-5', input_tokens: 41_000, output_tokens: 900 }],
    call('c10', 'Bash', { command: 'npm test -- refunds' }),
  ]);
}

function reviewer(host: HostDouble): void {
  const approval = {
    tool: 'Bash',
    input: {
      command: 'docker compose up -d ledger-db && npm run test:races -- --rounds 500',
      description: 'Start the database, run the race suite',
    },
  };
  play(host, 'reviewer', 2 * MINUTE, [
    [1, 'run.starting', { pid: 41310 }],
    [
      1,
      'message.user',
      { text: 'Review what coder changes; look for races and for money that is counted twice.' },
    ],
    call('r1', 'mcp__aether__aether_mail_inbox', { unreadOnly: true }),
    done(
      'r1',
      '{"messages":[{"from":"agent:coder","subject":"Refund idempotency is ready to read"}],"unread":2}',
    ),
    call('r2', 'Bash', { command: 'git diff main --stat' }),
    done(
      'r2',
      ' migrations/0042_refund_idempotency.sql | 4 ++++\n ops/alerts.yaml                        | 2 +-\n src/refunds/handler.ts                 | 6 ++++--\n 3 files changed, 9 insertions(+), 3 deletions(-)',
    ),
    says(
      '`insertOnce` is sound within one merchant. What I want to see is two requests with the same key **in the same millisecond**, on real Postgres:\n\n| case | expected |\n|---|---|\n| same merchant, same key | one refund, one payout |\n| two merchants, same key | two refunds |\n| crash after insert | sweeper pays once |',
      7,
    ),
    call('r3', 'Bash', approval.input),
  ]);
  host.ask({
    agent: 'reviewer',
    kind: 'permission',
    title: 'Bash',
    detail: approval,
    opened_ms: host.now() - 2 * MINUTE,
    otherwise: 'The call waits; the reviewer does nothing else until it is answered.',
  });
}

function researcher(host: HostDouble): void {
  play(host, 'researcher', 9 * MINUTE, [
    [1, 'run.starting', { pid: 40877 }],
    [
      1,
      'message.user',
      { text: 'How do the four acquirers we use deduplicate refunds? Primary sources only.' },
    ],
    call('q1', 'WebFetch', { url: 'https://docs.example.com/refunds#idempotency' }),
    done('q1', '# Idempotent requests\nSend an Idempotency-Key header …'),
    call('q2', 'aether_report', { summary: 'Two of four acquirers documented.', status: 'progress' }),
    [
      1,
      'report.made',
      {
        summary: 'Two of four acquirers documented: both key on merchant and header, for 24 h.',
        status: 'progress',
      },
    ],
    done('q2', '{"seq":118}'),
  ]);
  host.ask({
    agent: 'researcher',
    kind: 'question',
    title: 'Adyen’s sandbox wants a merchant account',
    detail: {
      question:
        'Adyen’s sandbox wants a merchant account before it shows the refund API. Shall I go on with **Worldline** first, or wait for credentials?',
      choices: ['Worldline first', 'Wait for credentials'],
    },
    opened_ms: host.now() - 9 * MINUTE,
    otherwise: 'After 30 minutes it goes on with what it judges best, and says so in its report.',
  });
}

function gatewayLog(): string {
  const lines: string[] = [
    '\x1b[2J\x1b[H\x1b[1mpayment-gateway\x1b[0m  following /var/log/gateway.log\r\n\r\n',
  ];
  const rows: [number, string, number][] = [
    [201, 'POST /v1/refunds', 38],
    [200, 'GET  /v1/refunds/re_9f31', 4],
    [409, 'POST /v1/refunds', 6],
    [200, 'GET  /v1/balance', 3],
    [503, 'POST /v1/payouts', 1_204],
    [201, 'POST /v1/payouts', 88],
  ];
  for (let n = 0; n < 24; n += 1) {
    const [status, what, ms] = rows[n % rows.length]!;
    const colour = status < 300 ? 32 : status < 500 ? 33 : 31;
    const time = `14:${String(10 + Math.floor(n / 3)).padStart(2, '0')}:${String((n * 17) % 60).padStart(2, '0')}`;
    lines.push(
      `\x1b[90m${time}\x1b[0m \x1b[${colour}m${status}\x1b[0m ${what.padEnd(26)} \x1b[36m${ms} ms\x1b[0m\r\n`,
    );
  }
  return lines.join('');
}
