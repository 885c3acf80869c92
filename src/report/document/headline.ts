import type { Analysis } from '../../analyze.js';
import type { Diagnosis } from '../../diagnose/diagnosis.js';
import type { Confidence, Finding } from '../../finding/finding.js';
import { printableText } from '../printable.js';
import type { Survey } from '../session-counts.js';
import { verdict } from '../verdict.js';

/** Who does what to the mail of a server, in one sentence, and how sure that is. */
export interface Headline {
  readonly text: string;
  /** null: the sentence itself says what is probable and what only may be. */
  readonly confidence: Confidence | null;
  /** `Cisco ASA or PIX 7 and later "inspect esmtp"`; null: no box is named, because none is known or none is sure. */
  readonly box: string | null;
  /** Without its end, so that other servers may follow: `.. is editing mail to`. */
  readonly deed: string | null;
}

export function headlineOf(
  analysis: Analysis,
  findings: readonly Finding[],
  diagnoses: readonly Diagnosis[],
  seen: Survey,
): Headline {
  const serious = findings.filter(({ severity }) => severity !== 'info');
  const named = diagnoses.find(
    ({ confidence, device }) => confidence !== 'possible' && device.vendor !== 'unknown',
  );
  if (named && serious.length > 0) {
    const box = boxName(named);
    const proxy = named.because.some((id) => isProxy(analysis, findings, id));
    const deed = `${box} ${proxy ? 'answers in front of' : 'is editing mail to'}`;
    return { text: `${deed} ${endpointText(named.server)}`, confidence: named.confidence, box, deed };
  }
  // The captures have their own line about what could not be read.
  const sentence = verdict({ ...analysis, findings, captures: [], interrupted: false }, seen, 0);
  return { text: sentence, confidence: null, box: null, deed: null };
}

/** `Cisco ASA or PIX 7 and later "inspect esmtp"` */
function boxName({ device: { vendor, product, feature, versions } }: Diagnosis): string {
  const name = product.startsWith(vendor) ? product : `${vendor} ${product}`;
  // `PIX 5.1 and later` is of one product among several, `5.1 to 6.x` of the only one.
  const release = versions === null ? '' : /^[A-Z]/.test(versions) ? `, ${versions}` : ` ${versions}`;
  return printableText(`${name}${release} "${feature}"`);
}

function isProxy({ rules }: Analysis, findings: readonly Finding[], id: string): boolean {
  const rule = findings.find((finding) => finding.id === id)?.rule;
  return rules.some((meta) => meta.id === rule && meta.box === 'product');
}

/** `192.0.2.25:25`, `[2001:db8::25]:25` */
export function endpointText({ address, port }: { readonly address: string; readonly port: number }): string {
  const text = printableText(address);
  return `${text.includes(':') ? `[${text}]` : text}:${port}`;
}
