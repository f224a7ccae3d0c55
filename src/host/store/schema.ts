/**
 * The database up to version 11, when all tables were in one file. `history[n]` brings version n to n+1 and is never
 * edited. Later versions are in the files of the tables they change (table.ts). Migrations are forward only: a database
 * from a newer Aether is refused with a sentence (store.ts). Times are milliseconds since the epoch; JSON columns hold
 * what their table's file says.
 */
export const history: readonly string[] = [
  /* sql */ `
  CREATE TABLE hosts (
    generation INTEGER PRIMARY KEY AUTOINCREMENT, pid INTEGER NOT NULL, version TEXT NOT NULL, started_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE agents (
    name TEXT PRIMARY KEY, runtime TEXT NOT NULL,
    config TEXT NOT NULL,                 -- JSON: the applied agent entry, without any secret value
    config_hash TEXT NOT NULL,
    wanted TEXT NOT NULL CHECK (wanted IN ('running','stopped')), wanted_by TEXT NOT NULL,
    engine TEXT,                          -- JSON EngineState carried from run to run
    problem TEXT,                         -- JSON WireError of the last failed launch
    failures INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE runs (
    id TEXT PRIMARY KEY, agent TEXT NOT NULL, state TEXT NOT NULL, state_ms INTEGER NOT NULL, state_evidence TEXT NOT NULL,
    activity TEXT, activity_evidence TEXT, requested TEXT,
    shim_pid INTEGER, shim_start_ticks INTEGER, boot_id TEXT,
    journal_offset INTEGER NOT NULL DEFAULT 0, engine TEXT, floor TEXT, last TEXT,
    input_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0, cost_usd REAL,
    started_ms INTEGER NOT NULL, exited_ms INTEGER, exit TEXT
  ) STRICT;
  CREATE INDEX runs_by_agent ON runs (agent, started_ms);

  CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at_ms INTEGER NOT NULL, topic TEXT NOT NULL,
    agent TEXT, run TEXT, principal TEXT NOT NULL, grade TEXT NOT NULL, data TEXT NOT NULL, hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_agent ON events (agent, seq);
  CREATE TABLE facts (run TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (run, key)) STRICT, WITHOUT ROWID;

  CREATE TABLE leases (
    agent TEXT PRIMARY KEY, generation INTEGER NOT NULL, holder TEXT, phase TEXT, run TEXT, since_ms INTEGER, expires_ms INTEGER, detail TEXT
  ) STRICT;

  CREATE TABLE injections (
    id TEXT PRIMARY KEY, ordinal INTEGER NOT NULL, agent TEXT NOT NULL, run TEXT, text TEXT NOT NULL, priority TEXT NOT NULL,
    principal TEXT NOT NULL, state TEXT NOT NULL, steps TEXT NOT NULL, created_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX injections_by_agent ON injections (agent, ordinal);

  CREATE TABLE approvals (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, agent TEXT NOT NULL, run TEXT,
    request TEXT NOT NULL UNIQUE,         -- '<run>:<request id>' or '<principal>:<instance>:<sequence>': asking again is the same question
    title TEXT NOT NULL, detail TEXT NOT NULL, state TEXT NOT NULL,
    opened_ms INTEGER NOT NULL, answer TEXT, answered_ms INTEGER, answered_by TEXT, otherwise TEXT NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0  -- permission: the answer reached the shim
  ) STRICT;
  CREATE INDEX approvals_open ON approvals (state, opened_ms);

  CREATE TABLE calls (
    caller TEXT NOT NULL, instance TEXT NOT NULL, sequence INTEGER NOT NULL, tool TEXT NOT NULL, result TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (caller, instance, sequence)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE memories (
    rowid INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, scope TEXT NOT NULL, key TEXT, text TEXT NOT NULL, tags TEXT NOT NULL,
    author TEXT NOT NULL, version INTEGER NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, forgotten_ms INTEGER
  ) STRICT;
  CREATE INDEX memories_live ON memories (scope, updated_ms) WHERE forgotten_ms IS NULL;
  CREATE UNIQUE INDEX memories_by_key ON memories (scope, key) WHERE key IS NOT NULL AND forgotten_ms IS NULL;
  CREATE VIRTUAL TABLE memories_text USING fts5 (text, key, tags, content='', contentless_delete=1, tokenize='porter unicode61 remove_diacritics 2');

  CREATE TABLE messages (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, sender TEXT NOT NULL, recipient TEXT NOT NULL,
    subject TEXT NOT NULL, body TEXT NOT NULL, reply_to TEXT, sent_ms INTEGER NOT NULL, acked_ms INTEGER
  ) STRICT;
  CREATE INDEX messages_inbox ON messages (recipient, acked_ms, ordinal);
  CREATE TABLE clients (name TEXT PRIMARY KEY, first_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID; -- outside clients seen: who mail may be sent to
  `,
  // What a retention of bytes and days needs: runs may go and their sums stay, and what is old is found by an index.
  /* sql */ `
  ALTER TABLE runs ADD COLUMN ordinal INTEGER NOT NULL DEFAULT 0; -- in the order they were begun: no clock says it as well
  UPDATE runs SET ordinal = rowid;
  DROP INDEX runs_by_agent;
  CREATE INDEX runs_by_agent ON runs (agent, ordinal);
  CREATE INDEX runs_ended ON runs (exited_ms) WHERE exited_ms IS NOT NULL;
  CREATE TABLE run_sums (                 -- of the runs of an agent that were forgotten
    agent TEXT PRIMARY KEY, runs INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost_usd REAL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX injections_by_age ON injections (created_ms, state);
  CREATE INDEX messages_acked ON messages (acked_ms) WHERE acked_ms IS NOT NULL;
  CREATE INDEX approvals_settled ON approvals (answered_ms) WHERE answered_ms IS NOT NULL;
  `,
  /* sql */ `
  ALTER TABLE agents ADD COLUMN hold TEXT; -- JSON HoldRecord; null: not held
  `,
  /* sql */ `
  ALTER TABLE runs ADD COLUMN tree TEXT; -- JSON RunTree; null: a run of before there was one
  `,
  /* sql */ `
  CREATE INDEX memories_forgotten ON memories (forgotten_ms) WHERE forgotten_ms IS NOT NULL;
  `,
  // Each page that a commit touches is written: an audit row touches two instead of four. Nothing looks an event up
  // by its id, and a seq is never given out twice, because the newest event is never removed.
  /* sql */ `
  CREATE TABLE log (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, at_ms INTEGER NOT NULL, topic TEXT NOT NULL,
    agent TEXT, run TEXT, principal TEXT NOT NULL, grade TEXT NOT NULL, data TEXT NOT NULL, hash TEXT NOT NULL
  ) STRICT;
  INSERT INTO log SELECT seq, id, at_ms, topic, agent, run, principal, grade, data, hash FROM events ORDER BY seq;
  DROP TABLE events;
  ALTER TABLE log RENAME TO events;
  CREATE INDEX events_by_agent ON events (agent, seq);
  `,
  /* sql */ `
  ALTER TABLE messages ADD COLUMN via TEXT; -- JSON principals by whose words its sender went when sending it; null: own ones
  `,
  // The floor held the turn and the gate as well: three records now. `->` keeps each value as the JSON it is.
  /* sql */ `
  ALTER TABLE runs ADD COLUMN turn TEXT;  -- JSON TurnRecord
  ALTER TABLE runs ADD COLUMN gate TEXT;  -- JSON GateRecord
  ALTER TABLE runs ADD COLUMN asked TEXT; -- JSON {by, at_ms}: who asked for what 'requested' names
  UPDATE runs SET
    asked = floor -> '$.asked',
    turn = json_object(
      'says', json(coalesce(floor -> '$.says', 'null')),
      'senders', json(coalesce(floor -> '$.senders', '[]')),
      'goesOn', json(coalesce(floor -> '$.goesOn', 'false')),
      'ended', json(coalesce(floor -> '$.turnEnded', 'null')),
      'untold', json(coalesce(floor -> '$.untold', 'null'))),
    gate = json_object(
      -- Missing where a host of before there was a gate started the engine.
      'installed', json(iif(floor -> '$.gates' IS NULL AND floor -> '$.process' <> 'null', 'false', 'true')),
      'waiting', json(coalesce(
        (SELECT json_group_array(json_set(call.value, '$.stage', 'gate')) FROM json_each(floor, '$.gates') AS call), '[]')),
      'running', json(coalesce(floor -> '$.running', '[]')),
      'passed', json(coalesce(floor -> '$.passed', '[]')),
      'ungated', json(coalesce(floor -> '$.ungated', 'null'))),
    floor = json_object(
      'process', json(floor -> '$.process'),
      'processes', json(iif(floor -> '$.process' = 'null', '{}', json_object(CAST(floor ->> '$.process' AS TEXT), json_object(
        'role', json(floor -> '$.role'),
        'pid', json(floor -> '$.pid'),
        'io', json(floor -> '$.io'),
        'size', json_object('cols', floor ->> '$.cols', 'rows', floor ->> '$.rows'),
        'partialOut', json(floor -> '$.partialOut'),
        'partialErr', json(floor -> '$.partialErr'),
        'printed', json(coalesce(floor -> '$.printed', '""')),
        'terminalFrom', json(floor -> '$.terminalFrom'),
        'marks', json(floor -> '$.marks'),
        'heard_ms', json(coalesce(floor -> '$.heard_ms', 'null')))))),
      'size', json_object('cols', floor ->> '$.cols', 'rows', floor ->> '$.rows'),
      'tail', json(coalesce(floor -> '$.tail', 'null')),
      'opening', json(coalesce(floor -> '$.opening', '[]')),
      'leftOut', coalesce(floor ->> '$.leftOut', 0));
  `,
  // The keys that only one runtime takes are stored apart, in the form that its definition gives them.
  /* sql */ `
  UPDATE agents SET config = json_remove(json_set(config, '$.options', json(CASE runtime
    WHEN 'command' THEN json_object('command', json_extract(config, '$.command'))
    WHEN 'builtin' THEN json_object('replay', json_extract(config, '$.replay'))
    ELSE '{}' END)), '$.command', '$.replay');
  `,
  /* sql */ `
  ALTER TABLE runs ADD COLUMN sandbox TEXT; -- JSON RunSandbox; null: a run of before there were any
  `,
  // A lease covers several surfaces; the size was that of the only one.
  /* sql */ `
  UPDATE leases SET detail = json_remove(json_set(detail, '$.surfaces', json_object('terminal', json_object(
    'cols', json_extract(detail, '$.cols'), 'rows', coalesce(json_extract(detail, '$.rows'), 24)))), '$.cols', '$.rows')
    WHERE json_extract(detail, '$.cols') IS NOT NULL;
  `,
];
