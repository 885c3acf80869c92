import { bannerProxy } from '../../src/rules/banner-proxy.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const after = 'C: QUIT\nS: 221 bye';

ruleTable(bannerProxy, {
  speaks: {
    'G6, Check Point': {
      script: `S: 220 CheckPoint FireWall-1 secure ESMTP server\n${after}`,
      gives: { confidence: 'likely', args: { product: 'Check Point FireWall-1 SMTP security server' } },
    },
    'G7, WatchGuard, with its reply to HELP': {
      script: `S: 220 SMTP service ready\nC: HELP\nS: 214-Commands:\nS+ 214-\\tDATA\\tRCPT\nS+ 214 \\tHELO\n${after}`,
      gives: { confidence: 'likely' },
    },
    'G8, Raptor': { script: `S: 220 mail.example Generic SMTP handler\n${after}`, gives: {} },
    'G9, Symantec Gateway Security': { script: 'S: 554 1.2.3.4 mail.example No mail service', gives: {} },
    'G10, smap': { script: `S: 220 mail.example SMTP/smap Ready.\n${after}`, gives: {} },
    'G12, GeNUGate': { script: `S: 220  ESMTP smtprelay service ready.\n${after}`, gives: {} },
    'G16, avast!': { script: `S: 220 mail.example avast! SMTP proxy ready.\n${after}`, gives: {} },
    'G18, PGP Universal': {
      script: `S: 220 proxied server greeted us with: (220 mail.example ESMTP)\n${after}`,
      gives: {},
    },
  },
  silent: {
    'an honest server': HONEST,
    'G7 without HELP': `S: 220 SMTP service ready\n${after}`,
    'a word that contains a name': `S: 220 checkpoint.example ESMTP Postfix\n${after}`,
    'a host of that name': `S: 220 watchguard.example SMTP service ready\n${after}`,
    'F3, a greeting of their own': `S: 220 Welcome, our firewall reads along\n${after}`,
  },
});
