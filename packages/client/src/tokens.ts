/** Where the token comes from that each channel carries. */

/** A JWT of the user pool; with `refresh`, a new one, as the last was refused. */
export type Tokens = (refresh?: boolean) => Promise<string>;
