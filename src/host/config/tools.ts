/** The aether_* tools an agent can be granted. The catalog serves exactly these; a test compares the two. */
export const AETHER_TOOLS = [
  'aether_memory_store',
  'aether_memory_search',
  'aether_memory_get',
  'aether_memory_forget',
  'aether_mail_send',
  'aether_mail_inbox',
  'aether_mail_ack',
  'aether_agents_list',
  'aether_ask_operator',
  'aether_report',
] as const;
