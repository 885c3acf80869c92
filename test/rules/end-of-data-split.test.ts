import { endOfDataSplit } from '../../src/rules/end-of-data-split.js';
import { attempt, HONEST, ruleTable } from '../support/rule-table.js';

const PASSED = 'S: 250 ok\nC: QUIT\nS: 221 x\nfin\n@ +60';
const SPLIT_LOST = 'C! .\n@ +300\nrst C\n@ +600';
const SPLIT_PASSED = `C: .\n${PASSED}`;
const SPLIT_REFUSED = 'C: .\nS: 550 no\nC: QUIT\nS: 221 x\nfin\n@ +60';
const SPLIT_GAP = 'C: .\nS? 250 ok\nC: QUIT\nS: 221 x\nfin\n@ +60';
const WHOLE_PASSED = `.\\r\\n\n${PASSED}`;
const WHOLE_LOST = '.\\r\\n\n@ +300\nfin C\n@ +600';

const many = (count: number, end: string, where = ''): string =>
  Array.from({ length: count }, (_, index) => attempt({ end, id: `<${index}@client.example>`, where })).join(
    '\n',
  );

ruleTable(endOfDataSplit, {
  speaks: {
    'V12, split ends fail and whole ones pass, often enough': {
      script: [many(4, SPLIT_LOST), many(6, WHOLE_PASSED)].join('\n'),
      gives: {
        confidence: 'likely',
        args: { splits: ['CRLF|.CRLF'], splitFailed: 4, wholePassed: 6, wholeFailed: 0, chance: 0.00476 },
        sessions: ['s1', 's2', 's3', 's4'],
      },
    },
    'too few to rule chance out': {
      script: [many(2, SPLIT_LOST), many(1, WHOLE_PASSED)].join('\n'),
      gives: { confidence: 'possible', args: { chance: 0.333 } },
    },
    'nothing to hold against it': {
      script: many(2, SPLIT_LOST),
      gives: { confidence: 'possible', args: { chance: null } },
    },
    'a split end that is refused has arrived': {
      script: [many(2, SPLIT_LOST), attempt({ end: SPLIT_REFUSED })].join('\n'),
      gives: { confidence: 'possible', args: { splitFailed: 2, splitPassed: 1 } },
    },
    'one finding for each server': {
      script: [many(1, SPLIT_LOST), many(1, SPLIT_LOST, 'S=198.51.100.26:25')].join('\n'),
      gives: { findings: 2 },
    },
  },
  silent: {
    'an honest server': HONEST,
    'split ends that succeed': many(3, SPLIT_PASSED),
    'as many pass as fail': [many(2, SPLIT_LOST), many(2, SPLIT_PASSED)].join('\n'),
    'whole ends fail just the same': [many(2, SPLIT_LOST), many(2, WHOLE_LOST)].join('\n'),
    'the end that failed was whole': many(3, WHOLE_LOST),
    'F11, the reply is missing in the capture': many(2, SPLIT_GAP),
    'F11, the capture ends': attempt({ end: 'C: .\ncut' }),
    'F11, one direction only': `only C\n${many(2, SPLIT_LOST)}`,
  },
});
