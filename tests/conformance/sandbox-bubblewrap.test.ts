/** The contract of a sandbox holds for one that confines files and network, too. */
import { bubblewrap } from '../support/bubblewrap.ts';
import { sandboxConformance } from './sandbox.ts';

sandboxConformance({ sandbox: bubblewrap, confinesFiles: true, confinesNetwork: true });
