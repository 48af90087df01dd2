/**
 * Has work done portion by portion, each a transaction of its own, until one says that nothing is left. A worker that
 * stops ends between two. Answers with how much was done in this attempt.
 */
export async function portionByPortion(signal: AbortSignal, next: () => Promise<{ done: number; left: boolean }>): Promise<number> {
  let all = 0;
  for (;;) {
    signal.throwIfAborted();
    const { done, left } = await next();
    all += done;
    if (!left) return all;
  }
}
