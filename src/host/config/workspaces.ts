/** Where agents may work: which agents each directory is for, and what no agent may be given to write. */
import { join } from 'node:path';
import { directoryFault, isWithin, realPath } from './paths.ts';
import type { Problem } from './problems.ts';
import { sandboxOf } from './sandbox.ts';
import type { AgentConfig } from './types.ts';
import { unfitToWrite } from './unfit.ts';

/** Two agents in one directory, or one's within the other's, overwrite each other's work, unless both say that they mean it. */
export function checkWorkspaces(agents: readonly AgentConfig[], directory: string, home: string): Problem[] {
  // The directories that Aether makes for agents without one lie beside the file, and so within `workspace: .`.
  const own = (agent: AgentConfig) => agent.workspace === join(directory, 'workspaces', agent.name);
  const state = join(realPath(directory), '.aether');
  const problems: Problem[] = [];
  const users: { real: string; agent: AgentConfig }[] = [];
  for (const agent of agents) {
    const path = ['agents', agent.name, 'workspace'];
    const fault = directoryFault(agent.workspace);
    if (fault)
      problems.push({
        code: 'workspace',
        path,
        at: 'value',
        message: `agents.${agent.name}.workspace cannot be a directory: ${fault.message}.`,
        next: fault.next,
      });
    const real = realPath(agent.workspace);
    if (isWithin(real, state))
      problems.push({
        code: 'workspace',
        path,
        at: 'value',
        message: `agents.${agent.name}.workspace lies in ${state}, where Aether keeps its state.`,
        next: 'Give it a directory of its own.',
      });
    problems.push(...checkWritable(agent, home));
    const clash = users.find(
      (user) =>
        !(user.agent.shared && agent.shared) &&
        (real === user.real ||
          (isWithin(real, user.real) && !own(agent)) ||
          (isWithin(user.real, real) && !own(user.agent))),
    );
    if (clash)
      problems.push({
        code: 'workspace-taken',
        path,
        at: 'value',
        message: `agents.${agent.name} has ${howTheyMeet(real, clash.real)} agents.${clash.agent.name}: ${real}.`,
        next: 'Give it a directory of its own, or write `shared: true` for both.',
      });
    users.push({ real, agent });
  }
  return problems;
}

/** What it may write beside its workspace is held to the same. */
function checkWritable(agent: AgentConfig, home: string): Problem[] {
  const { kind, write } = sandboxOf(agent);
  const own = ['agents', agent.name];
  const written = [
    { path: [...own, 'workspace'], at: agent.workspace },
    ...(kind === 'none' ? [] : write.map((at) => ({ path: [...own, 'sandbox', 'write'], at }))),
  ];
  return written.flatMap(({ path, at }) => {
    const unfit = unfitToWrite(at, home);
    if (unfit === null) return [];
    const message = `${path.join('.')} ${unfit.message}.`;
    return [{ code: 'workspace-unfit', path, at: 'value' as const, message, next: unfit.next }];
  });
}

function howTheyMeet(real: string, other: string): string {
  if (real === other) return 'the same workspace as';
  return isWithin(real, other) ? 'a workspace inside that of' : 'a workspace that holds that of';
}
