/** All events of a subscription so far, the newest first, with their count: what a playground shows in place of the last. */

export interface Observer {
  next(result: unknown): void;
  error(error: unknown): void;
  complete(): void;
}

export interface Events {
  subscribe(observer: Observer): { unsubscribe(): void };
}

/** What an observer is told. */
export interface EventList {
  eventCount: number;
  newestFirst: unknown[];
}

/** Showing many takes long, so that they are shown less often. */
function pauseMs(count: number): number {
  return Math.min(16 + count, 1_000);
}

/** Subscribes once more when `renew` says that it has mended why the subscription ended. */
export function everyEvent(
  open: () => Events,
  renew: (error: unknown) => Promise<boolean>,
): Events {
  return {
    subscribe(observer) {
      const events: unknown[] = [];
      let timer: ReturnType<typeof setTimeout> | undefined;
      let subscription: { unsubscribe(): void } | null = null;
      let over = false;
      // One renewal for each time that the server was content.
      let mayRenew = true;

      const show = (): void => {
        clearTimeout(timer);
        timer = undefined;
        observer.next({ eventCount: events.length, newestFirst: events.toReversed() });
      };
      const end = (): void => {
        over = true;
        if (timer !== undefined) show();
        subscription?.unsubscribe();
      };
      const fail = (error: unknown): void => {
        if (over) return;
        end();
        observer.error(error);
      };
      const listen = (): void => {
        subscription = open().subscribe({
          next(result) {
            mayRenew = true;
            events.push(result);
            if (events.length === 1) show();
            else timer ??= setTimeout(show, pauseMs(events.length));
          },
          error(error) {
            if (over || !mayRenew) {
              fail(error);
              return;
            }
            mayRenew = false;
            renew(error).then((isRenewed) => {
              if (!isRenewed) fail(error);
              else if (!over) listen();
            }, fail);
          },
          complete() {
            if (over) return;
            end();
            observer.complete();
          },
        });
      };
      listen();
      return {
        unsubscribe: () => {
          if (!over) end();
        },
      };
    },
  };
}
