/** What may be stored: every part of it is checked, and an error says the limit. */
import { AetherError } from '../errors.ts';
import { limits } from '../limits.ts';
import { cutText } from '../text.ts';
import { momentOf } from './moment.ts';

export function checkedText(text: string): string {
  if (text.trim() === '') {
    throw new AetherError({
      code: 'memory.empty',
      who: 'agent',
      message: 'A memory needs a text.',
      next: 'Say in a sentence what is to be remembered.',
    });
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.memory_text_bytes_max) {
    throw new AetherError({
      code: 'memory.too-long',
      who: 'agent',
      message: `The text has ${bytes} bytes; a memory holds ${limits.memory_text_bytes_max}.`,
      next: 'Store the gist, or split it; keep long documents in files and remember where they are.',
    });
  }
  return text;
}

export function checkedKey(key: string): string {
  if (key.trim() === '' || key.length > limits.memory_key_chars_max) {
    throw new AetherError({
      code: 'memory.key',
      who: 'agent',
      message: `A key has 1 to ${limits.memory_key_chars_max} characters; this one has ${key.length}.`,
      next: 'Use a short name such as "deploy-target", or leave the key out.',
    });
  }
  return key;
}

export function checkedTags(tags: string[]): string[] {
  const distinct = [...new Set(tags)];
  const bad = distinct.find((tag) => tag.trim() === '' || tag.length > limits.memory_tag_chars_max);
  if (distinct.length > limits.memory_tags_max || bad !== undefined) {
    throw new AetherError({
      code: 'memory.tags',
      who: 'agent',
      message: `At most ${limits.memory_tags_max} tags of 1 to ${limits.memory_tag_chars_max} characters each.`,
      next: 'Use a few short tags.',
    });
  }
  return distinct;
}

/** @returns each id once */
export function checkedIds(ids: readonly string[], what: string): string[] {
  const distinct = [...new Set(ids)];
  if (distinct.length <= limits.memory_links_max) return distinct;
  throw new AetherError({
    code: 'memory.links',
    who: 'agent',
    message: `${what} names ${distinct.length} memories; it takes ${limits.memory_links_max}.`,
    next: 'Name those that it rests on directly; what they rest on follows by itself.',
  });
}

/** @throws AetherError `memory.time` where it is no time, or is over */
export function checkedExpiry(text: string, now_ms: number): number {
  const at_ms = checkedMoment(text, 'expires', now_ms);
  if (at_ms > now_ms) return at_ms;
  throw new AetherError({
    code: 'memory.time',
    who: 'agent',
    message: `expires is ${new Date(at_ms).toISOString()}, which is over: it is ${new Date(now_ms).toISOString()} now.`,
    next: 'Give a time to come, such as "7d", or leave it out.',
  });
}

export function checkedMoment(text: string, what: string, now_ms: number): number {
  const at_ms = momentOf(text, now_ms);
  if (at_ms !== null) return at_ms;
  throw new AetherError({
    code: 'memory.time',
    who: 'agent',
    message: `${what} is no time: ${JSON.stringify(cutText(text, { chars_max: 64 }))}.`,
    next: 'Write an ISO 8601 date or time ("2026-03-31", "2026-03-31T18:00:00Z"), or from now on: "30m", "12h", "7d", "2w".',
  });
}
