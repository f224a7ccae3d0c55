/** What is going on right now, under the last thing that happened. */

import { plainLine } from '../../../host/shown/plain.ts';
import type { AgentView } from '../../console-protocol.ts';
import { activityWord, evidenceFor, requestOf, StatusMark, sinceOf, standingOf } from '../fleet/status.tsx';
import { command } from '../state/actions.ts';
import { Age } from '../ui/age.tsx';
import { Button } from '../ui/button.tsx';
import { CodeText } from '../ui/code-text.tsx';
import { Explained } from '../ui/explained.tsx';
import { MEANING } from '../ui/grade.tsx';

export function ActivityLine({ agent }: { agent: AgentView }) {
  if (agent.problem) {
    return (
      <div class="problem" role="alert">
        <p>
          <b>{plainLine(agent.problem.message, 'prose', 2_000)}</b>
        </p>
        <p class="next">
          <CodeText text={agent.problem.next} />
        </p>
        {agent.verbs.start === null && (
          <Button label="Start again" icon="play" onPress={() => void command('start', agent)} />
        )}
      </div>
    );
  }
  if (agent.run === null) {
    return (
      <div class="empty">
        <p>{agent.name} has not run yet.</p>
        <Button
          label="Start"
          icon="play"
          whyNot={agent.verbs.start}
          onPress={() => void command('start', agent)}
        />
      </div>
    );
  }
  const request = requestOf(agent);
  const evidence = evidenceFor(agent);
  return (
    <Explained class="activity" evidence={evidence} tip={MEANING[evidence.grade]}>
      <StatusMark standing={standingOf(agent)} />
      <span>
        {activityWord(agent)}
        {agent.activity === 'tool' && agent.last ? ` · ${plainLine(agent.last, 'code', 300)}` : ''}{' '}
        <Age since={sinceOf(agent)} />
        {request && <i class="requested"> · {request.short}</i>}
      </span>
    </Explained>
  );
}
