/** The question to the operator on which a tool call waits: one form for both stages of a call. */
import type { ApprovalView, Principal } from '../../api.ts';
import type { NewApproval } from '../../approvals/approvals.ts';
import type { Run } from '../../runs/run.ts';
import type { GateCall } from '../../store/run-parts.ts';

/** A call that waits for its answer, with its input, which the record does not keep. */
export interface AskedCall extends Pick<GateCall, 'requestId' | 'stage' | 'tool' | 'toolUseId' | 'subagent'> {
  input: unknown;
  /** Where relative paths of it start; default: the workspace. */
  cwd?: string;
}

/** `detail` of an approval of kind `permission`. */
export interface PermissionDetail {
  stage: 'gate' | 'permission';
  requestId: string;
  tool: string;
  input: unknown;
  toolUseId?: string;
  /** By whose words the call is made, and why they could not make it themselves. */
  authority?: { sender: Principal; why: string };
}

export function questionAbout(
  run: Run,
  call: AskedCall,
  authority?: PermissionDetail['authority'],
): NewApproval {
  const { stage, requestId, tool, input, toolUseId } = call;
  const detail: PermissionDetail = {
    ...{ stage, requestId, tool, input },
    ...(toolUseId === null ? {} : { toolUseId }),
    ...(authority === undefined ? {} : { authority }),
  };
  return {
    kind: 'permission',
    agent: run.record.agent,
    run: run.id,
    request: requestKey(run, requestId),
    title: tool,
    detail: { ...detail },
    otherwise: 'The tool does not run; the agent waits for an answer.',
  };
}

/** Asking again under the same key is the same question. */
export const requestKey = (run: Run, requestId: string): string => `${run.id}:${requestId}`;

/** Null for what is no question about a tool call. */
export function detailOf(approval: ApprovalView): PermissionDetail | null {
  if (approval.kind !== 'permission') return null;
  // Until version 7 of the database the stage was `gate: true`, or absent.
  const { gate, ...detail } = approval.detail as unknown as PermissionDetail & { gate?: boolean };
  return { ...detail, stage: detail.stage ?? (gate === true ? 'gate' : 'permission') };
}
