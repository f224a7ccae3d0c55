/** The one suite of every runtime, with the real openclaw package. */

import { openclawRuntime } from '../../../src/runtimes/openclaw/runtime.ts';
import { runtimeConformance } from '../../conformance/runtime.ts';
import { openclawSubject } from './subject.ts';

runtimeConformance('openclaw', openclawSubject, openclawRuntime('0.0.0-test').capabilities, { costly: true });
