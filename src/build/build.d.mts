/** Types of build.mjs, which is plain JavaScript because it runs before anything is installed. */

/** The checkout's directory, absolute. */
export const root: string;

/** The environment of the tools: this checkout's own Node comes first. */
export function toolEnvironment(): Record<string, string | undefined>;

/** True when dist/ is newer than everything it is made from. */
export function isBuilt(): boolean;

/** Makes dist/ and puts it in its place at once. @throws when a tool fails; it has said why */
export function build(): Promise<void>;

export function ensureBuilt(): Promise<void>;
