/** Shown while there are no agents: how to add one. */
import { info } from '../state/store.ts';

export function NoAgents() {
  const file = info.value?.configFile;
  return (
    <div class="empty no-agents">
      <p>
        <b>No agents yet.</b>
      </p>
      <p>
        Write a configuration with <code>aether init</code>
        {file ? (
          <>
            , or add an agent to <code>{file}</code>
          </>
        ) : null}
        . It appears here by itself.
      </p>
    </div>
  );
}
