/** Work that happens once at a time for each key: a call that comes while it is under way gets its outcome. */
export class SingleFlight {
  readonly #flights = new Map<string, Promise<void>>();

  /** Begins the job within this call, unless one of this key is under way. */
  run(key: string, job: () => Promise<void>): Promise<void> {
    const known = this.#flights.get(key);
    if (known !== undefined) return known;
    const flight = job().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }
}
