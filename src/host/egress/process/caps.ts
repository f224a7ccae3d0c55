/** Limits of one run's proxy, unit last. */
export const caps = {
  /** Connections of the agent at once; each may have one outside. */
  connections_max: 256,
  /** Request line and headers. */
  head_bytes_max: 16 * 1024,
  headers_max: 100,
  /** From the first byte of a request to the end of its headers. */
  head_ms: 15_000,
  /** A connection between two requests. */
  keep_alive_ms: 60_000,
  /** A request, or a tunnel, in which no byte moves either way. */
  idle_ms: 15 * 60_000,
  resolve_ms: 10_000,
  /** To one address; so many of a name are tried. */
  dial_ms: 6_000,
  addresses_max: 4,
  /** Different decisions remembered; what comes beyond is told as one. */
  decisions_max: 200,
  /** The same decision is told again after this, with its count. */
  retell_ms: 60_000,
  /** Of what could not be understood, in an event. */
  spelling_chars_max: 80,
} as const;
