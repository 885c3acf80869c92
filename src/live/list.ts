import type { Shown } from './keys.js';
import { filterOf } from './row-filter.js';
import type { Table } from './tables.js';
import { SORTS, type UiState } from './ui-state.js';
import type { Watch } from './watch.js';

/** An order is kept this many times as long as it took to make it: of 100,000 rows that is as long as some frames. */
const PACE = 10;

/** An order of rows, from one frame to the next. What is made quickly is made for each. */
export class Orders {
  private key: string | null = null;
  private watch: Watch | null = null;
  private rows: readonly unknown[] = [];
  private untilMs = Number.NEGATIVE_INFINITY;

  /** @param now  milliseconds of a clock that never goes back */
  constructor(private readonly now: () => number) {}

  of(watch: Watch, key: string, make: () => readonly unknown[]): readonly unknown[] {
    const startMs = this.now();
    if (key === this.key && watch === this.watch && startMs < this.untilMs) return this.rows;
    this.rows = make();
    const endMs = this.now();
    this.untilMs = endMs + (endMs - startMs) * PACE;
    this.key = key;
    this.watch = watch;
    return this.rows;
  }
}

/** A list as it is filtered and sorted. The order `newest` has its newest row at the end, where it is followed. */
export class List {
  private readonly order: string;
  private readonly byTime: boolean;
  private readonly wanted: string | null;
  private handles: readonly unknown[] | null = null;

  constructor(
    private readonly watch: Watch,
    private readonly table: Table<unknown>,
    private readonly state: UiState,
    private readonly orders: Orders | undefined,
  ) {
    this.order = SORTS[state.view][state.sort[state.view]]!;
    this.byTime = this.order === 'newest' || this.order === '-';
    this.wanted = state.selected[state.view];
  }

  /** The rows that are seen, and the key of the chosen one. */
  window(page: number): { rows: readonly unknown[]; selected: string | null } {
    const { table } = this;
    if (this.byTime && this.wanted === null && this.state.view !== 'health' && this.state.filter === '') {
      // The usual case asks for no more rows than are seen.
      const rows: unknown[] = [];
      for (const row of table.all(this.watch)) {
        rows.push(row);
        if (rows.length === page) break;
      }
      rows.reverse();
      const last = rows.at(-1);
      return { rows, selected: last === undefined ? null : table.key(last) };
    }
    const all = this.all();
    const at = this.at();
    if (at < 0) return { rows: [], selected: null };
    const from = Math.max(0, Math.min(at - Math.floor(page / 2), all.length - page));
    const rows = all.slice(from, from + page).flatMap((handle) => this.row(handle) ?? []);
    return { rows, selected: this.keyOf(all[at]) };
  }

  shown(page: number): Shown {
    return {
      step: (from, by) => {
        const all = this.all();
        if (all.length === 0) return null;
        const start = from === null ? this.at() : this.placeOf(from);
        return this.keyOf(all[Math.max(0, Math.min(all.length - 1, start + by))]);
      },
      enters: () => {
        const row = this.row(this.all()[this.at()]);
        return row === null ? null : this.table.enters(row);
      },
      follows: this.byTime,
      page,
      lines: 0,
    };
  }

  private at(): number {
    return this.wanted === null ? this.start() : this.placeOf(this.wanted);
  }

  /** Of a row that is not there any more: where the order begins, or its newest. */
  private placeOf(key: string): number {
    const found = this.all().findIndex(
      typeof this.all()[0] === 'number'
        ? (handle) => handle === Number(key)
        : (handle) => this.keyOf(handle) === key,
    );
    return found < 0 ? this.start() : found;
  }

  private start(): number {
    const { length } = this.all();
    return this.byTime && this.state.view !== 'health' ? length - 1 : Math.min(0, length - 1);
  }

  private all(): readonly unknown[] {
    const { watch, orders, state } = this;
    this.handles ??= orders
      ? orders.of(watch, `${state.view} ${this.order} ${state.filter}`, () => this.make())
      : this.make();
    return this.handles;
  }

  /** Numbers instead of rows where neither their order nor a filter needs more: few of them are ever seen. */
  private make(): readonly unknown[] {
    const { table, watch, state, order } = this;
    const filter = filterOf(state.filter);
    if (this.byTime && filter === null && table.numbers) return [...table.numbers(watch)].reverse();
    const rows: unknown[] = [];
    for (const row of table.all(watch)) if (filter === null || filter(table.fields(row))) rows.push(row);
    if (this.byTime) rows.reverse();
    else rows.sort((a, b) => table.compare(order, a, b));
    return rows;
  }

  private keyOf(handle: unknown): string {
    return typeof handle === 'number' ? String(handle) : this.table.key(handle);
  }

  private row(handle: unknown): unknown {
    if (typeof handle === 'number') return this.table.row?.(this.watch, handle) ?? null;
    return handle ?? null;
  }
}
