/**
 * Every limit of the host in one place, with its unit in its name. A limit that is reached is an error that
 * says so, never a silent cut — except output caps, which say how much they left out.
 */
export const limits = {
  /** aether.yaml larger than this is refused unread. */
  config_bytes_max: 256 * 1024,
  config_aliases_max: 100,
  /** Lexical tokens of aether.yaml (some 8 a line); with the depth below, what bounds the parser's time. */
  config_tokens_max: 100_000,
  config_depth_max: 50,
  /** Problems listed in one error; the rest are counted. */
  config_problems_max: 20,
  /** A key or token file that `auth` names. */
  auth_file_bytes_max: 64 * 1024,
  agents_max: 500,
  /** Of each of /tmp, /var/tmp and /run in a sandbox, which are memory. */
  sandbox_tmp_bytes: 2 * 1024 * 1024 * 1024,
  /** Of a directory that a sandbox covers; nothing is written there. */
  sandbox_hidden_bytes: 1024 * 1024,
  /** Programs and directories of toolchains that one sandbox shows: each costs time at every start. */
  sandbox_toolchains_max: 48,
  /** Places inside of what a sandbox may write that it shows read-only: each is a mount at every start. */
  sandbox_kept_max: 32,
  /** Starts, stops and restarts of one agent that wait for the one under way. */
  lifecycle_waiting_max: 100,
  /** For one that takes much of the machine; after that the next begins all the same. */
  heavy_start_ms: 120_000,
  /** Of one argument or variable of a program that is started: what Linux takes (MAX_ARG_STRLEN). */
  exec_string_bytes_max: 128 * 1024,
  /** Of all of them; Linux takes a quarter of the stack's limit, 2 MB as a rule, and engines add their own. */
  exec_bytes_max: 1024 * 1024,

  /** An engine's program larger than this is not copied. */
  program_bytes_max: 2 * 1024 * 1024 * 1024,
  /** Of all copies of programs together; beyond it those leave that were not used for the longest. */
  program_copies_bytes_max: 4 * 1024 * 1024 * 1024,
  program_copy_unused_ms: 14 * 24 * 3_600_000,
  /** Used so lately, a copy stays: another host may be about to start it. */
  program_copy_ms_min: 3_600_000,

  /** One JSON line on the control socket. */
  control_line_bytes_max: 4 * 1024 * 1024,
  control_connections_max: 256,
  /** Of one process. */
  control_connections_per_peer_max: 128,
  /** What is in progress when the host ends is answered within this. */
  control_drain_ms: 1_000,
  /** Requests and streams in progress on one connection. */
  control_requests_max: 256,
  /** Unsent bytes to one connection above which its streams and its requests wait. */
  control_unsent_bytes_max: 1024 * 1024,

  /** Of what a repository sets up for an engine, listed in one event. */
  repository_items_told_max: 50,

  /** One JSON-RPC message through the bridge, either way. */
  mcp_line_bytes_max: 4 * 1024 * 1024,
  mcp_unanswered_max: 1_024,
  mcp_connections_per_run_max: 64,
  mcp_connections_of_clients_max: 256,
  /** Of one process at one door. */
  mcp_connections_per_peer_max: 32,
  /** From accept to the greeting. */
  mcp_hello_ms: 10_000,

  /** One line of an engine's structured channel. */
  engine_line_bytes_max: 32 * 1024 * 1024,
  /** Of a longer one only the beginning of each long text is kept. More than a model writes into one tool call. */
  engine_line_whole_bytes_max: 1024 * 1024,
  /** What is kept of a line that was shortened. */
  engine_line_kept_bytes_max: 2 * 1024 * 1024,
  /** A value costs the parser some 100 times what a byte of text does. */
  engine_line_values_max: 30_000,
  /** What an engine may report: ids and names, nesting of a tool's input, counts and amounts of one fact. */
  observed_id_chars_max: 512,
  observed_depth_max: 200,
  observed_count_max: 1_000_000_000_000,
  observed_servers_max: 1_000,
  /** Of one agent, at work at once, that are named; more are not counted. */
  subagents_max: 100,
  subagent_label_chars_max: 200,
  /** What is shown of what one is to do. */
  subagent_task_chars_max: 1_000,
  /** Sum of one run: what a column of integers adds up without an overflow over thousands of runs. */
  run_tokens_max: 1_000_000_000_000_000,
  /** Events about what was left out of one run's output; beyond it only every power of ten is told. */
  quarantine_events_max: 20,
  quarantine_excerpt_chars_max: 200,
  /** Remarks kept of one piece of an engine's output (64 KB); the rest is counted. */
  notes_per_record_max: 100,

  /** A tool call stands at an engine's gate for this long; then the host refuses it and ends the turn. */
  gate_wait_ms: 7 * 24 * 3_600_000,
  /** The host answers this long before the engine would by itself. */
  gate_margin_ms: 60_000,

  inject_text_bytes_max: 256 * 1024,
  inject_queue_max: 1_000,

  memory_text_bytes_max: 64 * 1024,
  memory_tags_max: 32,
  memory_tag_chars_max: 64,
  memory_key_chars_max: 256,
  /** Unless the configuration says otherwise. */
  memories_per_scope_max: 100_000,
  memory_bytes_per_scope_max: 256 * 1024 * 1024,
  /** Ids that one memory names as its sources, as superseded, or as contradicted. */
  memory_links_max: 1_000,
  /** Earlier statements kept of one key. */
  memory_versions_max: 64,
  /** Words of a search that count; the rest are left out. */
  memory_query_words_max: 64,
  memory_results_max: 50,
  /** On one page, for people; and in one import. */
  memories_page_max: 500,
  memories_import_max: 500,
  /** Files of one import, and all that they hold. */
  memory_import_files_max: 5_000,
  memory_import_bytes_max: 64 * 1024 * 1024,
  feedback_chars_max: 4_000,
  /** Memories that one thumb weighs: the last that were given before. */
  memory_weighed_max: 20,
  /** Of what an agent is given of its memory unasked, unless the configuration says otherwise; and of one memory there. */
  memory_recall_tokens: 800,
  memory_recall_tokens_max: 8_000,
  memory_recalled_max: 20,
  memory_recalled_chars_max: 1_200,
  /** Of a memory or a query, what an embedding model is given; what it answers; and what a search keeps of vectors. */
  embedding_text_chars_max: 6_000,
  embedding_answer_bytes_max: 32 * 1024 * 1024,
  embedding_dimensions_max: 4_096,
  embedding_cached_bytes_max: 256 * 1024 * 1024,
  mail_body_bytes_max: 256 * 1024,
  mail_subject_chars_max: 200,
  mail_unread_max: 10_000,
  mail_inbox_max: 100,
  mail_ack_ids_max: 200,
  report_text_bytes_max: 64 * 1024,
  question_text_bytes_max: 16 * 1024,
  question_choices_max: 20,
  question_choice_chars_max: 200,
  /** `aether_ask_operator` answers within this or returns a pending id. */
  ask_wait_ms: 45_000,
  approvals_open_per_agent_max: 100,
  /** Far more than any engine calls at once. */
  gate_calls_waiting_max: 500,

  /** Text kept of one tool result or message in the event log; the journal keeps all of it. */
  event_text_bytes_max: 64 * 1024,
  events_page_max: 1_000,

  terminal_cols_max: 500,
  terminal_rows_max: 300,
  terminal_frame_bytes_max: 64 * 1024,
  /** Output that is replayed where there is no screen to show. */
  terminal_replay_bytes_max: 2 * 1024 * 1024,
  /** A viewer this far behind the program is shown the present screen instead of what lies between. */
  terminal_behind_bytes_max: 4 * 1024 * 1024,
  /** Lines above the screen that are kept of each terminal, unless the configuration says otherwise. */
  terminal_scrollback_lines: 2_000,
  terminal_scrollback_lines_max: 50_000,
  /** Of those lines in memory, of one terminal: wide ones are fewer. */
  terminal_scrollback_bytes_max: 8 * 1024 * 1024,
  /** Answers of one terminal to its program that it has not taken yet. */
  terminal_answers_max: 16,
  websocket_message_bytes_max: 1024 * 1024,
  http_body_bytes_max: 1024 * 1024,
  /** So much of a body that is too large is read and thrown away, so that its connection stays usable. */
  http_discard_bytes_max: 32 * 1024 * 1024,

  /** When the console's port is taken, this many after it are tried. */
  console_port_tries_max: 32,
  console_login_links_max: 16,
  console_login_link_ms: 10 * 60_000,
  console_sessions_max: 64,
  /** A session unused for this long has ended. */
  console_session_ms: 14 * 24 * 3_600_000,
  console_sockets_max: 64,
  /** Connections of browsers that are signed in, sockets included. */
  console_connections_max: 256,
  /** Connections that have not shown a session yet; one more takes the place of the oldest. */
  console_newcomers_max: 64,
  console_newcomer_ms: 10_000,
  /** What is in progress when the host ends is answered within this. */
  console_drain_ms: 1_000,
  /** A browser that says nothing for two of these is gone. */
  console_ping_ms: 15_000,
  console_events_page_bytes_max: 512 * 1024,
  /** Agent views go to a browser at most this often. */
  console_agents_interval_ms: 100,
  /** Terminal bytes sent to a browser and not yet drawn by it: above, the viewer is paused; below, resumed. */
  console_terminal_unacked_bytes_high: 1024 * 1024,
  console_terminal_unacked_bytes_low: 256 * 1024,
  console_terminal_input_bytes_max: 64 * 1024,

  lease_vanished_ms: 5 * 60_000,
  /** An agent that stood still for less is not told of it. */
  away_told_ms: 2_000,
  /** Wake-ups by mail, so that two agents cannot keep each other busy for ever. */
  wakeups_per_minute_max: 6,

  /** A turn in which nothing moved for so long is stuck, unless the configuration says otherwise. */
  watchdog_after_ms: 10 * 60_000,
  /** How often the watchdog looks, unless its patience is shorter. */
  watchdog_look_ms: 30_000,

  restart_backoff_ms_min: 1_000,
  restart_backoff_ms_max: 60_000,
  restart_attempts_max: 5,
  /** A run that lived this long works: it forgives the failures before it, and is started again without waiting. */
  restart_stable_ms: 10_000,
  restart_stable_ms_min: 1_000,
  restart_stable_ms_max: 24 * 3_600_000,
  /** A turn that got stuck forgives those before it only after this long: it costs a model's requests each time. */
  restart_stuck_forgive_ms: 60_000,

  /** host.log becomes host.log.1 above it. */
  log_bytes_max: 16 * 1024 * 1024,

  journal_segment_bytes: 64 * 1024 * 1024,
  journal_bytes_max: 512 * 1024 * 1024,
} as const;
