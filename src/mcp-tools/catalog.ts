/** Every tool of the host, in the order clients list them. Written by `npm run generate` from catalog/. */
import { agentsList } from './catalog/agents-list.ts';
import { askOperator } from './catalog/ask-operator.ts';
import { mailAck } from './catalog/mail-ack.ts';
import { mailInbox } from './catalog/mail-inbox.ts';
import { mailSend } from './catalog/mail-send.ts';
import { memoryForget } from './catalog/memory-forget.ts';
import { memoryGet } from './catalog/memory-get.ts';
import { memorySearch } from './catalog/memory-search.ts';
import { memoryStore } from './catalog/memory-store.ts';
import { report } from './catalog/report.ts';
import type { Tool } from './tool.ts';

export const catalog: readonly Tool[] = [
  memorySearch,
  memoryStore,
  memoryGet,
  memoryForget,
  mailInbox,
  mailSend,
  mailAck,
  agentsList,
  askOperator,
  report,
];
