/** The aether_* tools an agent can be granted. Written by `npm run generate` from mcp-tools/catalog/. */
export const AETHER_TOOLS = [
  'aether_memory_search',
  'aether_memory_store',
  'aether_memory_get',
  'aether_memory_forget',
  'aether_mail_inbox',
  'aether_mail_send',
  'aether_mail_ack',
  'aether_agents_list',
  'aether_ask_operator',
  'aether_report',
] as const;
