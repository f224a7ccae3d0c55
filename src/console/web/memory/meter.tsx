/** How much a scope holds of what it may. */
import type { MemoryPage } from '../../../host/api.ts';
import { linkToMemory } from '../state/place.ts';
import { sizeOf } from './words.ts';

/** From here on the page says that it fills up. */
const NEARLY = 0.9;

export function shareOf(use: MemoryPage['scopes'][number], quota: MemoryPage['quota']): number {
  return Math.max(use.memories / quota.memories_max, use.bytes / quota.bytes_max);
}

export function Meter({ use, quota }: { use: MemoryPage['scopes'][number]; quota: MemoryPage['quota'] }) {
  const share = shareOf(use, quota);
  return (
    <a
      class={`meter ${share >= NEARLY ? 'nearly' : ''}`}
      href={linkToMemory(null, {
        memory: 'scopes',
        asked: new URLSearchParams({ scope: use.scope }).toString(),
      })}
      data-tip="What this scope holds of what it may. Opens what to forget first."
    >
      <Bar share={share} />
      {use.memories.toLocaleString('en')} of {quota.memories_max.toLocaleString('en')} · {sizeOf(use.bytes)}{' '}
      of {sizeOf(quota.bytes_max)}
      {share >= 1 ? ' · full' : ''}
    </a>
  );
}

/** Drawn beside the numbers, which say the same. */
export function Bar({ share }: { share: number }) {
  return (
    <svg class={share >= NEARLY ? 'bar nearly' : 'bar'} viewBox="0 0 64 6" aria-hidden="true">
      <rect width="64" height="6" rx="3" class="all" />
      <rect width={Math.min(64, Math.max(share > 0 ? 3 : 0, share * 64))} height="6" rx="3" class="used" />
    </svg>
  );
}
