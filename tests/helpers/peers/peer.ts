/** A counterpart that runs beside the tests, on 127.0.0.1 only. */
export interface Peer {
  /** Without a slash at its end. */
  url: string;
  stop(): Promise<void>;
}
