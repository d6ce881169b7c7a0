/** What one server gives to its clients at most. */
export interface ServerLimits {
  /** More connections are closed as they come. */
  readonly connectionsMax: number;
  /** Subscriptions at a time; more are refused with RESOURCE_EXHAUSTED. */
  readonly subscriptionsMax: number;
  /** Checkpoints that a subscriber may be behind before it is cut off. */
  readonly backlogMax: number;
  /** For the headers of a request to arrive. */
  readonly headersMs: number;
  /** For a whole request to arrive. */
  readonly requestMs: number;
  /** For a client to read on, once nothing more fits into the buffers between. */
  readonly stallMs: number;
}

export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  connectionsMax: 1_024,
  subscriptionsMax: 256,
  backlogMax: 1_000,
  headersMs: 10_000,
  requestMs: 30_000,
  stallMs: 30_000,
};
