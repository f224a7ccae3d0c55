/** The contract of a sandbox holds for one that confines files and network, too. */
import { bubblewrapSandbox } from '../../src/host/sandboxes/bubblewrap.ts';
import { sandboxConformance } from './sandbox.ts';

sandboxConformance({ sandbox: bubblewrapSandbox, confinesFiles: true, confinesNetwork: true });
