import { type Content, html, type Markup } from './markup.js';

/** What a stretch of a bar stands for; the style sheet has its colour, `PATTERN` its hatching. */
export type BarClass = 'found' | 'part' | 'clean' | 'other';

export interface Stretch {
  readonly kind: BarClass;
  readonly from: number;
  readonly to: number;
}

/** Strokes over the colour, for those who cannot tell the colours: none, or lines at these places of a tile. */
const HATCHED: Readonly<Record<BarClass, number>> = { found: 0, part: 2, clean: 0, other: 1 };

/** Of the whole: what is shorter is drawn so long, to be seen. */
const MIN_SHARE = 0.015;

/**
 * A bar over the whole width, drawn in percent: it fits a phone and a sheet of paper alike.
 *
 * @param label  what it says, for those who do not see it
 */
export function bar(stretches: readonly Stretch[], total: number, label: string): Markup {
  return html`<svg class="bar" role="img" width="100%" height="12" aria-label="${label}"><title>${label}</title>${stretches.map(
    (stretch) => drawn(stretch, total),
  )}</svg>`;
}

/** The sign of a stretch, to stand in front of its words. */
export function sign(kind: BarClass): Markup {
  return html`<svg class="bar" width="12" height="12" aria-hidden="true">${drawn({ kind, from: 0, to: 1 }, 1)}</svg>`;
}

function drawn({ kind, from, to }: Stretch, total: number): Content {
  if (!(total > 0) || !(to >= from)) return null;
  const share = Math.max((to - from) / total, MIN_SHARE);
  const start = Math.min(from / total, 1 - share);
  const [x, width] = [percent(start), percent(share)];
  const lines = HATCHED[kind];
  return [
    html`<rect class="${kind}" x="${x}" y="0" width="${width}" height="12"></rect>`,
    lines > 0
      ? html`<line class="hatch" x1="${x}" y1="4" x2="${percent(start + share)}" y2="4"></line>`
      : null,
    lines > 1
      ? html`<line class="hatch" x1="${x}" y1="8" x2="${percent(start + share)}" y2="8"></line>`
      : null,
  ];
}

/** Two decimals: the same on every machine. */
function percent(share: number): string {
  return `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;
}
