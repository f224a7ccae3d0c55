/**
 * What to do after a recorded conversation to get agents with a real model. Only engines that are proven to be able to
 * log in are offered.
 */
import type { Detection } from '../../runtimes/runtime.ts';

/** @param program how `aether` is started here */
export function engineOffer(detections: readonly Detection[], program: string): string {
  const found = detections.find((one) => one.model && one.usable && one.canLogIn);
  if (found === undefined)
    return `No engine can log in to a model here yet: \`${program} doctor\` says what is missing.`;
  const what = found.version === null ? found.runtime : `${found.runtime} ${found.version}`;
  return `${what} can log in to a model here. Agents of your own: \`${program} init -f DIR/aether.yaml\`, DIR being the directory of your project.`;
}
