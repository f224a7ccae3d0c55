/** Every tool of the host, in the order clients list them. */
import type { Tool } from '../tool.ts';
import { agentsList } from './agents-list.ts';
import { askOperator } from './ask-operator.ts';
import { mailAck } from './mail-ack.ts';
import { mailInbox } from './mail-inbox.ts';
import { mailSend } from './mail-send.ts';
import { memoryForget } from './memory-forget.ts';
import { memoryGet } from './memory-get.ts';
import { memorySearch } from './memory-search.ts';
import { memoryStore } from './memory-store.ts';
import { report } from './report.ts';

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
