/** Simulated time: what is to happen, in order. Microseconds. */
export class Clock {
  constructor(startUs) {
    this.nowUs = startUs;
    this.heap = [];
    this.order = 0;
  }

  /** @returns a handle; set its `act` to null to cancel */
  after(delayUs, act) {
    const entry = { at: this.nowUs + Math.max(0, Math.round(delayUs)), order: this.order++, act };
    const { heap } = this;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!earlier(entry, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
    return entry;
  }

  take() {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && earlier(heap[child + 1], heap[child])) child++;
      if (!earlier(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }

  /** Runs until nothing is left to do. @throws after so many events: then the model is at fault */
  run(limit = 400_000) {
    for (let events = 0; this.heap.length > 0; events++) {
      if (events > limit) throw new Error('the simulation does not come to an end');
      const entry = this.take();
      if (entry.act === null) continue;
      this.nowUs = entry.at;
      entry.act();
    }
  }
}

function earlier(one, other) {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
