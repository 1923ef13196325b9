// A typed emitter. A listener that throws harms neither the others nor the link: its error surfaces as an uncaught one.

export type Unsubscribe = () => void;

export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(payload: never) => void>>();

  on<T extends keyof Events>(type: T, listener: (payload: Events[T]) => void): Unsubscribe {
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set);
    // Wrapped, so that one function subscribed twice is two subscriptions.
    const entry = (payload: Events[T]): void => listener(payload);
    set.add(entry);
    return () => set.delete(entry);
  }

  emit<T extends keyof Events>(type: T, payload: Events[T]): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        (listener as (payload: Events[T]) => void)(payload);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
