/** The one suite of every runtime, with the real claude program. */

import { claudeCodeRuntime } from '../../../src/runtimes/claude-code/runtime.ts';
import { runtimeConformance } from '../../conformance/runtime.ts';
import { claudeSubject } from './subject.ts';

runtimeConformance('claude-code', claudeSubject, claudeCodeRuntime.capabilities);
