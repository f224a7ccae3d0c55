/** Notices for the whole page: no connection, a broken configuration, changes that wait. */
import { plainLine } from '../../../host/shown/plain.ts';
import { applyConfig } from '../state/actions.ts';
import { timeOf } from '../state/clock.ts';
import { connectNow } from '../state/link.ts';
import { busy, connection, info } from '../state/store.ts';
import { Age } from './age.tsx';
import { Button } from './button.tsx';
import { CodeText } from './code-text.tsx';
import { Icon } from './icon.tsx';

export function Banners() {
  const link = connection.value;
  const problem = info.value?.configProblem ?? null;
  const waits = info.value?.configWaits ?? [];
  return (
    <div class="banners">
      {link.phase === 'lost' && (
        <div class="banner lost" role="status">
          <Icon name="warn" />
          <p>
            <b>Not connected to the host</b> for <Age since={link.since_ms} />. What you see is as of{' '}
            {timeOf(link.since_ms)}; agents keep running. The page reconnects by itself.
          </p>
          <Button label="Try now" offline onPress={connectNow} />
        </div>
      )}
      {problem && (
        <div class="banner failed" role="status">
          <Icon name="warn" />
          <p>
            <b>The configuration is broken; the last good fleet keeps running.</b>{' '}
            {plainLine(problem.message, 'prose', 2_000)} <CodeText text={problem.next} />
          </p>
        </div>
      )}
      {waits.length > 0 && !problem && (
        <div class="banner" role="status">
          <Icon name="clock" />
          <p>
            <b>Changes wait:</b>{' '}
            {waits
              .map(({ agent, why }) => plainLine(agent === null ? why : `${agent} (${why})`, 'code', 600))
              .join(', ')}
            <span class="on-wide"> · applying them may restart or remove agents</span>
          </p>
          <Button label="Apply" busy={busy.value.has('apply')} onPress={() => void applyConfig()} />
        </div>
      )}
    </div>
  );
}
