/** What a case's module exports as `prepare`: everything up to the moment that is measured. */
export type Prepare<Input> = (input: Input) => Promise<PreparedCase>;

export interface PreparedCase {
  /** The measured part. */
  run(): Promise<void>;
  /** Not measured: what the run came to, for the check; closes what `prepare` opened. */
  finish(): Promise<Output>;
}

/** Plain JSON. */
export type Output = Record<string, unknown>;

/** From the case's process to the harness, in this order. */
export type CaseMessage = { step: 'ready' } | { step: 'measured'; wallMs: number } | { step: 'finished'; output: Output };

/** Back, in this order. The input comes this way because others on the machine can read command lines. */
export type HarnessMessage = { step: 'prepare'; input: unknown } | { step: 'run' } | { step: 'finish' };
