/** No sandbox is a sandbox, too: it confines nothing, and knows its own. */
import { localSandbox } from '../../src/host/sandboxes/local.ts';
import { sandboxConformance } from './sandbox.ts';

sandboxConformance({ sandbox: localSandbox, confinesFiles: false, confinesNetwork: false });
