/** Types of install.mjs, which is plain JavaScript because it runs before anything is installed. */

/**
 * `npm ci` in `directory` unless what its lock file says is there already.
 * @param title what is said while it takes its time
 * @throws when npm fails; npm has said why
 */
export function ensureInstalled(
  directory: string,
  title: string,
  options?: { scripts?: boolean },
): Promise<void>;

/** True when every package that is not optional is there in the version of the lock file. */
export function isInstalled(directory: string): boolean;
