import { expect, it } from 'vitest';
import {
  CONFIDENCES,
  type Confidence,
  compareConfidence,
  compareSeverity,
  SEVERITIES,
  type Severity,
} from '../../src/finding/finding.js';

it('sorts the surest and the worst first', () => {
  const confidences: Confidence[] = ['possible', 'certain', 'likely'];
  const severities: Severity[] = ['low', 'info', 'high', 'medium'];
  expect(confidences.sort(compareConfidence)).toEqual(['certain', 'likely', 'possible']);
  expect(severities.sort(compareSeverity)).toEqual(['high', 'medium', 'low', 'info']);
  for (const one of CONFIDENCES) expect(compareConfidence(one, one)).toBe(0);
  for (const one of SEVERITIES) expect(compareSeverity(one, one)).toBe(0);
});
