/**
 * What several generators yield, as it comes, each in its own order. At most `limit` of them run
 * beside each other, and each is one step ahead of the consumer at most. When the consumer leaves or
 * a generator throws, those that run are ended; what they throw then is nobody's any more.
 */
export async function* interleave<T>(sources: readonly AsyncGenerator<T>[], limit: number): AsyncGenerator<T> {
  const waiting = [...sources];
  const open = new Set<AsyncGenerator<T>>();
  const steps = new Map<AsyncGenerator<T>, Promise<{ source: AsyncGenerator<T>; result: IteratorResult<T, unknown> }>>();
  const advance = (source: AsyncGenerator<T>): void => {
    const step = source.next().then((result) => ({ source, result }));
    // Awaited by the race below, which may end before this step does.
    step.catch(ignore);
    steps.set(source, step);
    open.add(source);
  };
  try {
    for (;;) {
      while (open.size < limit && waiting.length > 0) advance(waiting.shift() as AsyncGenerator<T>);
      if (open.size === 0) return;
      const { source, result } = await Promise.race(steps.values());
      if (result.done === true) {
        steps.delete(source);
        open.delete(source);
        continue;
      }
      yield result.value;
      advance(source);
    }
  } finally {
    for (const source of open) source.return(undefined).catch(ignore);
  }
}

function ignore(): void {}
