/** How Node is started for every program of ours that runs for long. */

/**
 * Without it SIGUSR1, which any process of the same user may send, opens Node's inspector on loopback, and any process that
 * connects there runs code in the program. Node keeps it by blocking the signal.
 */
export const NO_INSPECTOR = '--disable-sigusr1';
