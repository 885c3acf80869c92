/** A greeting by which a mail proxy is known. Where it was read: the service probes of a public port scanner. */
export interface ProxyGreeting {
  readonly product: string;
  readonly pattern: RegExp;
  /** `strong`: the text is this product's own; `weak`: others greet so too, a second sign is needed. */
  readonly weight: 'strong' | 'weak';
  /** What the reply to HELP must say when the greeting alone is weak. */
  readonly help?: RegExp;
}

const HOST = '[^ ]+';

/** Patterns see the first line of the greeting without its line end. */
export const PROXY_GREETINGS: readonly ProxyGreeting[] = [
  {
    product: 'Check Point FireWall-1 SMTP security server',
    pattern: /^220 CheckPoint FireWall-1 secure E?SMTP server$/,
    weight: 'strong',
  },
  {
    product: 'WatchGuard SMTP proxy',
    pattern: /^220 SMTP service ready$/,
    weight: 'weak',
    help: /^214-Commands:?$/,
  },
  {
    product: 'Raptor / Symantec Enterprise Firewall SMTP proxy',
    pattern: new RegExp(`^220 ${HOST} Generic SMTP handler$`),
    weight: 'strong',
  },
  {
    product: 'Symantec Gateway Security SMTP proxy',
    pattern: new RegExp(`^554 [0-9.]+ ${HOST} No mail service$`),
    weight: 'strong',
  },
  {
    product: 'TIS Firewall Toolkit / Gauntlet smap',
    pattern: new RegExp(`^220 ${HOST} SMTP/smap Ready\\.$`),
    weight: 'strong',
  },
  {
    product: 'BorderWare MXtreme Mail Firewall',
    pattern: new RegExp(`^220 ${HOST} ESMTP BorderWare MXtreme Mail Firewall`),
    weight: 'strong',
  },
  { product: 'GeNUGate SMTP relay', pattern: /^220 {2}ESMTP smtprelay service ready\./, weight: 'strong' },
  {
    product: 'SonicWALL Email Security',
    pattern: new RegExp(`^220 ${HOST} ESMTP SonicWALL \\([0-9.]+\\)$`),
    weight: 'strong',
  },
  {
    product: 'Barracuda',
    pattern: new RegExp(`^220 ${HOST} ESMTP \\([0-9a-fA-F]{32}\\)$`),
    weight: 'strong',
  },
  {
    product: 'avast! SMTP proxy',
    pattern: new RegExp(`^220 ${HOST} avast! SMTP proxy ready\\.$`),
    weight: 'strong',
  },
  { product: 'AVG ESMTP proxy', pattern: /^220 AVG ESMTP Proxy Server /, weight: 'strong' },
  {
    product: 'Norton AntiVirus for Gateways',
    pattern: new RegExp(`^220 ${HOST} SMTP NAVGW `),
    weight: 'strong',
  },
  { product: 'Trend Micro InterScan', pattern: /^220-InterScan Version /, weight: 'strong' },
  { product: 'Trend Micro IMSS SMTP proxy', pattern: /^220-TrendMicro IMSS SMTP proxy/, weight: 'strong' },
  { product: 'McAfee WebShield SMTP', pattern: /^220[^ ]* ?WebShield SMTP V/, weight: 'strong' },
  { product: 'AvMailGate', pattern: new RegExp(`^220 ${HOST} AvMailGate-`), weight: 'strong' },
  {
    product: 'F-Secure Internet Gatekeeper',
    pattern: new RegExp(`^220 ${HOST} F-Secure/fsigk_smtp/`),
    weight: 'strong',
  },
  { product: 'Traffic Inspector SMTP gate', pattern: /^220 Traffic Inspector SMTP Gate/, weight: 'strong' },
  { product: 'Arkoon firewall', pattern: /^220 [^ ]+\.ARK Sendmail ready\. /, weight: 'strong' },
  { product: 'PGP Universal', pattern: /^220 proxied server greeted us with: \(/, weight: 'strong' },
];

/** What any of them is: one question instead of twenty, each of which would be compiled for it. */
export const ANY_PROXY_GREETING = new RegExp(PROXY_GREETINGS.map(({ pattern }) => pattern.source).join('|'));
