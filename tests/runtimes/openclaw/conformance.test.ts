/** The one suite of every runtime, with the real openclaw package. */
import { runtimeConformance } from '../../conformance/runtime.ts';
import { openclawSubject } from './subject.ts';

runtimeConformance('openclaw', openclawSubject, { costly: true, takeover: 'beside' });
