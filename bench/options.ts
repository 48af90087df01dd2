/** How a benchmark is to be run. */
export interface BenchOptions {
  rounds: number;
  /** Small sizes, to see that the benchmark works: its ratios mean nothing. */
  quick: boolean;
  /** Judge ratios of time by CPU instead of wall: for a machine that others use at the same time. */
  byCpu: boolean;
}

export type Say = (line: string) => void;
