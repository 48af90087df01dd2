/**
 * What several generators yield, as it comes, each in its own order. At most `limit` of them run
 * beside each other, and each is one step ahead of the consumer at most. When the consumer ends or a
 * generator throws, those that run are ended.
 */
export async function* interleave<T>(sources: readonly AsyncGenerator<T>[], limit: number): AsyncGenerator<T> {
  const waiting = [...sources];
  const running = new Map<AsyncGenerator<T>, Promise<{ source: AsyncGenerator<T>; result: IteratorResult<T, unknown> }>>();
  const advance = (source: AsyncGenerator<T>): void => {
    const step = source.next().then((result) => ({ source, result }));
    // Awaited by the race below, which may end before this step does.
    step.catch(() => undefined);
    running.set(source, step);
  };
  try {
    for (;;) {
      while (running.size < limit && waiting.length > 0) advance(waiting.shift() as AsyncGenerator<T>);
      if (running.size === 0) return;
      const { source, result } = await Promise.race(running.values());
      running.delete(source);
      if (result.done === true) continue;
      yield result.value;
      advance(source);
    }
  } finally {
    for (const source of running.keys()) void source.return(undefined);
  }
}
