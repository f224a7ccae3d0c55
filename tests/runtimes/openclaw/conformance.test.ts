/** The one suite of every runtime, with the real openclaw package. */

import { openclawRuntime } from '../../../src/runtimes/openclaw/runtime.ts';
import { runtimeConformance } from '../../conformance/runtime.ts';
import { recoveryConformance } from './recovery.ts';
import { openclawSubject } from './subject.ts';
import { tamperingConformance } from './tampering.ts';

runtimeConformance('openclaw', openclawSubject, openclawRuntime('0.0.0-test').capabilities, {
  costly: true,
  besides(bench) {
    tamperingConformance(bench);
    recoveryConformance(bench);
  },
});
