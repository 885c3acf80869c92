import type { Finding } from '../finding/finding.js';
import { BOXES, type Box } from './boxes.js';

/** What `no mask` and `allow-tls` cure; whatever else was seen needs the inspection out of the way. */
const CURED_BY_PARAMETERS = ['banner-masked', 'capability-masked', 'starttls-stripped', 'inspection-limit'];

/** Of these the firewall is the cause, whatever it inspects. */
const ELSEWHERE = ['segment-over-mss', 'sack-impossible', 'connection-blocked', 'sender-workaround'];

/** The least that covers what was seen, each with its cost in security; nothing where the box is not known. */
export function smallestChange(findings: readonly Finding[], box: Box): string[] {
  if (box.vendor !== 'Cisco') return [];
  if (box.product === 'PIX') {
    return [
      '`no fixup protocol smtp 25` (4.2 and later): no SMTP command is inspected any more, for any server behind the box.',
    ];
  }
  if (box !== BOXES.esmtp) {
    return [
      'On a PIX up to 6.x `no fixup protocol smtp 25`, otherwise a class without SMTP inspection for this server: its commands are then not inspected.',
    ];
  }
  const rules = new Set(
    findings
      .filter(({ severity, rule }) => severity !== 'info' && !ELSEWHERE.includes(rule))
      .map(({ rule }) => rule),
  );
  if ([...rules].some((rule) => !CURED_BY_PARAMETERS.includes(rule))) {
    return ['A class without `inspect esmtp` for this server: its commands are then not inspected.'];
  }
  return [
    ...(rules.has('starttls-stripped')
      ? ['`allow-tls` in the inspection’s parameters: what is encrypted is then not inspected.']
      : rules.has('capability-masked')
        ? [
            'No `mask` for `match ehlo-reply-parameter others`: keywords are then offered whose commands the inspection may still spoil.',
          ]
        : []),
    ...(rules.has('inspection-limit')
      ? [
          'Only the `match` that is crossed with a higher number, or `log` in place of `drop-connection`: the server is then exposed to longer input.',
        ]
      : []),
    ...(rules.has('banner-masked')
      ? ['`no mask-banner`, only if the greeting is to be seen: it shows which server and release this is.']
      : []),
  ];
}
