/**
 * What a session's record has of yes and no, one bit each. The parts of a dialogue in progress have the same bits for the
 * same things, among bits of their own from `OWN_BITS` on.
 */

/** The transcript could take no more. */
export const FULL = 1 << 0;
/** A TLS record followed the 220 to STARTTLS, or something else did; neither: nothing followed. */
export const TLS_FOLLOWED = 1 << 1;
export const TLS_BROKEN = 1 << 2;

export const OWN_BITS = 3;
