export const VIEWS = ['sessions', 'findings', 'duplicates', 'health'] as const;
export type View = (typeof VIEWS)[number];

/** Orders of each list; the first is the one to begin with. */
export const SORTS = {
  sessions: ['newest', 'findings', 'messages', 'client', 'server'],
  findings: ['severity', 'newest', 'count', 'rule'],
  duplicates: ['newest', 'copies'],
  health: ['-'],
} as const satisfies Record<View, readonly string[]>;

/** What is looked at in full: a session by its number, a finding by its id. */
export type Opened =
  | { readonly kind: 'session'; readonly key: string }
  | { readonly kind: 'finding'; readonly key: string };

/** All that the person at the keys has chosen. What is on the wire is no part of it. */
export interface UiState {
  readonly view: View;
  /** What stands open, the innermost last. */
  readonly opened: readonly Opened[];
  /** First line of it that is shown, for each. */
  readonly scroll: readonly number[];
  /** By view: the key of the chosen row; null: the newest, whichever it is then. */
  readonly selected: Readonly<Record<View, string | null>>;
  readonly sort: Readonly<Record<View, number>>;
  readonly filter: string;
  /** What is being typed; null: no filter is. */
  readonly typing: string | null;
  readonly paused: boolean;
  readonly help: boolean;
  /** Shown until the next key. */
  readonly message: string | null;
}

export const INITIAL: UiState = {
  view: 'sessions',
  opened: [],
  scroll: [],
  selected: { sessions: null, findings: null, duplicates: null, health: null },
  sort: { sessions: 0, findings: 0, duplicates: 0, health: 0 },
  filter: '',
  typing: null,
  paused: false,
  help: false,
  message: null,
};
