/** How much each scope holds of what it may; and of one, what to forget first. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { MemoryPage, MemoryQuota } from '../../../host/api.ts';
import { plainLine } from '../../../host/shown/plain.ts';
import { call, wireOf } from '../state/api.ts';
import { linkToMemory, place } from '../state/place.ts';
import { showError } from '../ui/toasts.tsx';
import { useMemoryChanges } from './changes.ts';
import { Bar, shareOf } from './meter.tsx';
import { StateMark } from './row.tsx';
import { countOf, holderName, sizeOf } from './words.ts';

async function read<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    // Without a connection the banner says it.
    if (wireOf(error).code !== 'console.unreachable') showError(wireOf(error));
    return null;
  }
}

export function ScopesView() {
  const at = place.value;
  const chosen = new URLSearchParams(at.at === 'memory' ? at.asked : '').get('scope');
  const page = useSignal<Pick<MemoryPage, 'scopes' | 'quota'> | null>(null);
  const one = useSignal<MemoryQuota | null>(null);
  const load = async (): Promise<void> => {
    page.value = (await read(() => call('memories', { limit: 1 }))) ?? page.value;
    if (chosen !== null) one.value = await read(() => call('memoryQuota', { scope: chosen }));
  };
  useEffect(() => void load(), [chosen]);
  useMemoryChanges(() => void load());
  const { scopes = [], quota } = page.value ?? {};
  return (
    <section class="memory-list" aria-label="Scopes" data-pane="memory">
      <div class="scroll scopes">
        {quota && scopes.length > 0 && (
          <>
            <p class="soft">
              Each scope may hold {quota.memories_max.toLocaleString('en')} memories and{' '}
              {sizeOf(quota.bytes_max)}, history included. A full one refuses what is new and names what to
              forget; nothing leaves by itself. <code>memory</code> in aether.yaml sets both.
            </p>
            <ul>
              {[...scopes]
                .sort((a, b) => shareOf(b, quota) - shareOf(a, quota))
                .map((use) => (
                  <li key={use.scope}>
                    <a
                      class="scope-row"
                      data-nav
                      href={linkToMemory(null, {
                        memory: 'scopes',
                        asked: new URLSearchParams({ scope: use.scope }).toString(),
                      })}
                      aria-current={use.scope === chosen ? 'true' : undefined}
                    >
                      <b>{plainLine(holderName(use.scope), 'code', 80)}</b>
                      <Bar share={shareOf(use, quota)} />
                      <span class="faint">
                        {countOf(use.memories, 'memory', 'memories')} · {sizeOf(use.bytes)}
                      </span>
                    </a>
                    {use.scope === chosen && one.value?.scope === chosen && <First quota={one.value} />}
                  </li>
                ))}
            </ul>
          </>
        )}
        {page.value !== null && scopes.length === 0 && (
          <div class="empty">
            <p>
              <b>No scope holds anything yet.</b>
            </p>
            <p>
              An agent’s own memories, those of a workspace, of a branch and of the whole fleet are counted
              here, each against its own limit.
            </p>
          </div>
        )}
      </div>
    </section>
  );
}

function First({ quota: { scope, first } }: { quota: MemoryQuota }) {
  return (
    <div class="forget-first">
      <p class="soft">
        {first.length === 0 ? 'All of it is pinned, or it is empty.' : 'To be forgotten first, were it full:'}
      </p>
      <ul class="story-lines">
        {first.map(({ memory, why }) => (
          <li key={memory.id}>
            <a class="line-link" href={linkToMemory(null, { memory: memory.id, asked: '' })}>
              <StateMark state={memory.state} />
              <span>{plainLine(memory.text, 'prose', 200)}</span>
            </a>
            {memory.state === 'live' && <span class="faint">{why}</span>}
          </li>
        ))}
      </ul>
      <a class="link" href={linkToMemory(null, { asked: new URLSearchParams({ scope }).toString() })}>
        All of this scope
      </a>
    </div>
  );
}
