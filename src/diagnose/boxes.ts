/** Boxes that are known to edit or answer SMTP in place of the server, as far as public documents tell them apart. */
export type BoxId = 'mailhost' | 'fixup' | 'fwsm' | 'esmtp' | 'ios' | 'editor' | 'rewriter';

/** Releases of PIX that behave differently, oldest first. */
export const RELEASES = ['4.0', '4.1', '4.2', '4.4', '5.1', '6.x', '7.x'] as const;

/** Indices into RELEASES, both inclusive. */
export type Bracket = readonly [first: number, last: number];

export interface Box {
  readonly vendor: string;
  readonly product: string;
  readonly feature: string;
  /** Of PIX; null: the box is none. */
  readonly releases: Bracket | null;
}

export const BOXES: Readonly<Record<BoxId, Box>> = {
  mailhost: {
    vendor: 'Cisco',
    product: 'PIX',
    feature: 'Mailguard (mailhost or fixup protocol smtp)',
    releases: [0, 3],
  },
  fixup: {
    vendor: 'Cisco',
    product: 'PIX',
    feature: 'fixup protocol smtp (Mailguard)',
    releases: [2, 5],
  },
  fwsm: { vendor: 'Cisco', product: 'FWSM', feature: 'SMTP inspection', releases: null },
  esmtp: { vendor: 'Cisco', product: 'ASA or PIX 7 and later', feature: 'inspect esmtp', releases: [6, 6] },
  ios: { vendor: 'Cisco', product: 'IOS Firewall', feature: 'SMTP inspection', releases: null },
  editor: {
    vendor: 'unknown',
    product: 'an editor that keeps lengths',
    feature: 'SMTP inspection',
    releases: null,
  },
  rewriter: {
    vendor: 'unknown',
    product: 'a proxy that rewrites',
    feature: 'SMTP proxy',
    releases: null,
  },
};

/** How a set of boxes that cannot be told apart is called. The first row that holds all of them. */
const TOGETHER: readonly { readonly ids: readonly BoxId[]; readonly box: Box }[] = [
  { ids: ['mailhost', 'fixup'], box: { ...BOXES.fixup, feature: BOXES.mailhost.feature, releases: [0, 5] } },
  {
    ids: ['mailhost', 'fixup', 'fwsm'],
    box: { ...BOXES.fixup, product: 'PIX or FWSM', releases: [0, 5] },
  },
  {
    ids: ['mailhost', 'fixup', 'fwsm', 'esmtp'],
    box: {
      vendor: 'Cisco',
      product: 'PIX, ASA or FWSM',
      feature: 'SMTP inspection',
      releases: [0, 6],
    },
  },
  {
    ids: ['mailhost', 'fixup', 'fwsm', 'esmtp', 'ios'],
    box: {
      vendor: 'Cisco',
      product: 'PIX, ASA, FWSM or IOS Firewall',
      feature: 'SMTP inspection',
      releases: [0, 6],
    },
  },
];

/** What to call boxes of which one did it. Whatever is possible, if an unknown one is among them. */
export function nameOf(ids: readonly BoxId[]): Box {
  if (ids.length === 1) return BOXES[ids[0]!];
  if (ids.includes('editor')) return BOXES.editor;
  return TOGETHER.find((row) => ids.every((id) => row.ids.includes(id)))?.box ?? BOXES.editor;
}

/** `5.1 to 6.x`, `7.x and later`; null where every release is possible. */
export function releaseText([first, last]: Bracket): string | null {
  const newest = RELEASES.length - 1;
  if (first === 0 && last === newest) return null;
  if (first === last) return last === newest ? `${RELEASES[first]} and later` : RELEASES[first]!;
  if (last === newest) return `${RELEASES[first]} and later`;
  return first === 0 && last > 3 ? `up to ${RELEASES[last]}` : `${RELEASES[first]} to ${RELEASES[last]}`;
}
