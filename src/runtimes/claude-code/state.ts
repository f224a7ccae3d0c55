/** What the observer remembers between lines: JSON, small, complete after every line. */
import { shortText } from '../../host/text.ts';
import type { Activity, EngineState, ObservedEvent } from '../runtime.ts';
import { SESSION_ID } from './paths.ts';

export interface ClaudeState extends EngineState {
  activity: Activity | null;
  /** Tools that were called and have not answered, by tool use id. */
  tools: Record<string, string>;
  /** Permission requests that wait for an answer, by request id. */
  asked: string[];
  /** Calls that stand at the gate, by request id. */
  gates: string[];
  /** How far each message of ours that is on its way has come. */
  injects: Record<string, 'queued' | 'started' | 'seen'>;
  /** Last reported state of the MCP servers, to report changes only. */
  servers: string;
  /** Last message of the transcript whose usage was counted. */
  counted: string | null;
  /** This process has asked for what is remembered. */
  recalled: boolean;
}

/** More than this are never on their way, or open, at once: an engine that prints more has the oldest forgotten. */
export const ON_THE_WAY_MAX = 2_000;

/** Fills what an older host, or a new run of an old conversation, did not store. */
export function claudeState(state: EngineState): ClaudeState {
  return {
    session: state.session,
    activity: (state.activity as ClaudeState['activity']) ?? null,
    tools: (state.tools as ClaudeState['tools']) ?? {},
    asked: (state.asked as ClaudeState['asked']) ?? [],
    gates: (state.gates as ClaudeState['gates']) ?? [],
    injects: (state.injects as ClaudeState['injects']) ?? {},
    servers: (state.servers as ClaudeState['servers']) ?? '',
    counted: (state.counted as ClaudeState['counted']) ?? null,
    recalled: state.recalled === true,
  };
}

const SHOWN_CHARS = 100;
const shown = (value: unknown): string => shortText(JSON.stringify(value) ?? typeof value, SHOWN_CHARS);

/** One line's reading in progress: changes to a private copy of the state, and the events they make. */
export class Reading {
  readonly state: ClaudeState;
  readonly events: ObservedEvent[] = [];

  constructor(state: EngineState) {
    this.state = { ...claudeState(state) };
  }

  emit(event: ObservedEvent): void {
    this.events.push(event);
  }

  activity(activity: Activity, evidence: string, tool?: string): void {
    if (this.state.activity === activity && tool === undefined) return;
    this.state.activity = activity;
    this.emit({ kind: 'activity', activity, evidence, ...(tool === undefined ? {} : { tool }) });
  }

  session(session: unknown): void {
    if (session === undefined || session === this.state.session) return;
    if (typeof session !== 'string' || !SESSION_ID.test(session)) {
      const text = `The engine names ${shown(session)} as its conversation, which is not the id of one: it is left out.`;
      this.emit({ kind: 'note', level: 'warn', text });
      return;
    }
    this.state.session = session;
    this.emit({ kind: 'session', session });
  }

  toolCalled(toolUseId: string, tool: string, input: unknown): void {
    const before = Object.entries(this.state.tools).slice(-ON_THE_WAY_MAX + 1);
    this.state.tools = { ...Object.fromEntries(before), [toolUseId]: tool };
    this.emit({ kind: 'tool-call', toolUseId, tool, input });
    this.activity('tool', `called ${tool}`, tool);
  }

  toolAnswered(toolUseId: string, text: string, isError: boolean): void {
    const { [toolUseId]: _answered, ...tools } = this.state.tools;
    this.state.tools = tools;
    this.emit({ kind: 'tool-result', toolUseId, text, isError });
    this.working('a tool answered');
  }

  /** The engine works: at a tool if one has not answered, else at the model. */
  working(evidence: string): void {
    const tool = Object.values(this.state.tools).at(-1);
    if (tool === undefined) this.activity('thinking', evidence);
    else if (this.state.activity !== 'tool') this.activity('tool', `${tool} has not answered`, tool);
  }

  inject(id: string, stage: 'queued' | 'started' | 'seen' | null): void {
    const { [id]: _before, ...others } = this.state.injects;
    if (stage === null) {
      this.state.injects = others;
      return;
    }
    const entries = Object.entries(others).slice(-ON_THE_WAY_MAX + 1);
    this.state.injects = { ...Object.fromEntries(entries), [id]: stage };
  }

  result(): { state: EngineState; events: ObservedEvent[] } {
    return { state: this.state, events: this.events };
  }
}
