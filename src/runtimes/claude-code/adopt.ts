/**
 * An agent goes on with a conversation that a person began by hand. Measured with the real program: a copy of the
 * transcript under a new id, which `--resume` takes, is sent to the model word for word as `--resume OLD --fork-session`
 * sends the original, and leaves no trace in the user's own files.
 */
import { randomUUID } from 'node:crypto';
import { fstatSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { createBeneath, listBeneath, openBeneath, removeBeneath } from '../../host/beneath.ts';
import { AetherError } from '../../host/errors.ts';
import { isFileProblem } from '../../host/files.ts';
import type { Adoption, ByHand, ForkedConversation, FoundConversation } from '../adoption.ts';
import { configOf, findByHand, ID_PART } from './by-hand.ts';
import { configDirectory, conversationDirectory } from './paths.ts';
import { closed, copyFile, type Replacement } from './transcript-copy.ts';

/** Of all files of one conversation. */
const BYTES_MAX = 2 * 1024 ** 3;
const FILES_MAX = 10_000;
/** Of directories below that of the conversation. */
const DEPTH_MAX = 6;

export const claudeAdoption: Adoption = {
  idForm: { pattern: ID_PART, text: 'at least the first 4 of the hexadecimal digits of a session id' },
  find: findByHand,
  fork,
};

/** Where one part of a conversation lies, in the user's configuration and in the agent's. */
interface Part {
  from: string;
  to: string;
}

/** @throws AetherError `conversation.too-large`, `conversation.gone`, `path.in-the-way`, or the system's error */
async function fork(
  where: ByHand,
  { id, file }: FoundConversation,
  { agentDir }: { agentDir: string },
): Promise<ForkedConversation> {
  const config = configOf(where);
  const session = randomUUID();
  const own = conversationDirectory({ agentDir });
  // The agent can replace its own directory, too.
  const agents = dirname(agentDir);
  const copy = new Copy(config, agents, [
    // A quote inside of a text is escaped, so this is a key and its value.
    [`"sessionId":"${id}"`, `"sessionId":"${session}"`],
    // Results that were too large for the conversation are files, which it names.
    [inJson(join(dirname(file), id, '/')), inJson(join(own, session, '/'))],
  ]);
  const to = (path: string): string => relative(agents, path);
  const beside = [
    // Its sub-agents, and results that were too large for it.
    { from: join(relative(config, dirname(file)), id), to: to(join(own, session)) },
    // What its tools have overwritten: a person in the terminal can go back to it.
    { from: join('file-history', id), to: to(join(configDirectory({ agentDir }), 'file-history', session)) },
  ];
  const transcript = { from: relative(config, file), to: to(join(own, `${session}.jsonl`)) };
  try {
    for (const part of beside) await copy.directory(part, 0);
    if (!(await copy.file(transcript))) throw gone(file);
  } catch (error) {
    for (const part of [...beside, transcript]) await removeBeneath(agents, part.to).catch(() => undefined);
    throw error;
  }
  return { session, ...copy.done };
}

const inJson = (path: string): string => JSON.stringify(path).slice(1, -1);

class Copy {
  readonly #config: string;
  readonly #agents: string;
  readonly #replace: readonly Replacement[];
  readonly done = { files: 0, bytes: 0, left_out: 0 };

  constructor(config: string, agents: string, replace: readonly Replacement[]) {
    this.#config = config;
    this.#agents = agents;
    this.#replace = replace;
  }

  /** All that is a file in it and below; nothing where nothing is. */
  async directory({ from, to }: Part, depth: number): Promise<void> {
    for (const name of this.#names(from)) {
      const part = { from: join(from, name), to: join(to, name) };
      if (await this.file(part)) continue;
      if (depth === DEPTH_MAX) this.done.left_out += 1;
      else await this.directory(part, depth + 1);
    }
  }

  /** What is no directory has been tried as a file. */
  #names(path: string): string[] {
    try {
      return listBeneath(this.#config, path) ?? [];
    } catch {
      this.done.left_out += 1;
      return [];
    }
  }

  /** @returns false where no regular file is */
  async file({ from, to }: Part): Promise<boolean> {
    const source = this.#open(from);
    if (source === null) return false;
    await closed(source, async () => {
      if (this.done.files === FILES_MAX || this.done.bytes + fstatSync(source).size > BYTES_MAX)
        throw tooLarge(join(this.#config, from));
      const lines = from.endsWith('.jsonl');
      // What is no conversation is copied as it is.
      const replace = lines ? this.#replace : [];
      const target = createBeneath(this.#agents, to, 0o600);
      this.done.bytes += await closed(target, () => copyFile(source, target, { replace, lines }));
      this.done.files += 1;
    });
    return true;
  }

  #open(path: string): number | null {
    try {
      return openBeneath(this.#config, path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (isFileProblem(error, 'not-a-file') || code === 'path.in-the-way' || code === 'ENXIO') return null;
      throw error;
    }
  }
}

function tooLarge(path: string): AetherError {
  return new AetherError({
    code: 'conversation.too-large',
    who: 'user',
    message: `${path} and what belongs to it are more than ${FILES_MAX} files, or ${BYTES_MAX / 1024 ** 3} GB.`,
    next: 'Begin a new conversation with a summary of it (`/compact` in Claude Code makes one), and give the agent that.',
  });
}

function gone(file: string): AetherError {
  return new AetherError({
    code: 'conversation.gone',
    who: 'user',
    message: `${file} is not there any more, or no regular file.`,
    next: 'List what is there: leave the id out.',
  });
}
