/** What `up` says of the sandboxes that agents are in: which kind, and which agents have none without a choice in the configuration. */
import type { AgentView } from '../api.ts';
import { oneLine } from './text.ts';

/** As the host says it of a kind that the configuration names (sandboxes/choice.ts). */
const CHOSEN = 'the configuration says so';

/** Nothing where the configuration wants none. */
export function sandboxLines(agents: readonly AgentView[]): string[] {
  const running = agents.filter((view) => view.state === 'running');
  const confined = Map.groupBy(
    running.filter((view) => view.sandbox !== 'none'),
    (view) => view.sandbox,
  );
  const open = Map.groupBy(
    running.filter((view) => view.sandbox === 'none' && view.sandboxWhy !== CHOSEN),
    (view) => view.sandboxWhy ?? 'none works here',
  );
  return [
    ...[...confined].map(
      ([sandbox, views]) =>
        `In a sandbox (${sandbox}): ${names(views)}; \`aether plan\` shows what each sees.`,
    ),
    ...[...open].map(
      ([why, views]) =>
        `Without a sandbox, with all the rights of your user: ${names(views)} (${oneLine(why)}; see \`aether doctor\`).`,
    ),
  ];
}

const names = (views: readonly AgentView[]): string => views.map((view) => oneLine(view.name)).join(', ');
