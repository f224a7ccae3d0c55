/**
 * A part of the contract of a runtime, for engines that keep conversations which people begin by hand: finding them, and
 * giving an agent a copy of one. Reads the user's own files, and writes only in the agent's directory.
 */

/** Where conversations are looked for that a person began with the engine by hand. */
export interface ByHand {
  /** The user's real HOME. */
  userHome: string;
  /** The host's own. */
  environment: Record<string, string | undefined>;
  /** The engine's own directory, where it is not the usual one; absolute. */
  from: string | null;
}

/** A conversation that a person began by hand. The engine wrote it down, and whatever runs as the user can write there. */
export interface FoundConversation {
  /** The engine's own id. */
  id: string;
  /** The file with it, absolute. */
  file: string;
  /** Where it was begun, absolute. */
  directory: string;
  /** The first words of the person; null: none were found. */
  words: string | null;
  /** When it was last written. */
  at_ms: number;
  bytes: number;
  /** What suggests that a program has it open (`open`), or had a moment ago; a sentence's end: 'process 12 has it open'. */
  use: { open: boolean; what: string } | null;
}

/** The outcome of a conversation in an agent's own directory. */
export interface ForkedConversation {
  /** Its id there. */
  session: string;
  files: number;
  bytes: number;
  /** Of what lay beside it: links, and what is no file. */
  left_out: number;
}

/** A runtime whose engine keeps conversations that people begin by hand, and can go on with a copy of one. */
export interface Adoption {
  /** What a part of an id looks like, for `find`. */
  readonly idForm: { pattern: RegExp; text: string };
  /**
   * Those that were begun in this directory, or whose id begins like this; the newest first. `limit`: at most so many.
   * What has neither a directory nor a message is left out.
   */
  find(
    where: ByHand,
    which: { directory: string } | { id: string },
    limit: number,
    now: number,
  ): Promise<FoundConversation[]>;
  /** Copies it into the agent's directory, which exists, under an id of its own. What it was copied from is only read. */
  fork(where: ByHand, found: FoundConversation, place: { agentDir: string }): Promise<ForkedConversation>;
}
