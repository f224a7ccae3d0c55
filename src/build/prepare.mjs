/**
 * Before `npm start` and `npm run bench`: installs and builds what a fresh clone lacks. If nothing is lacking this
 * takes a fraction of a second.
 */
import { ensureBuilt, root } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { say } from './progress.mjs';

const NODE_MAJOR_MIN = 20;

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  say(
    `This checkout needs Node ${NODE_MAJOR_MIN} or newer to install itself (it then brings its own); this is ${process.versions.node}.`,
  );
  process.exitCode = 1;
} else {
  try {
    await ensureInstalled(root, 'Installing what Aether needs to run');
    await ensureBuilt();
  } catch (error) {
    say(`${error.message}\nNothing was started. The lines above say why; then try again.`);
    process.exitCode = 1;
  }
}
