import { describe, expect, it } from 'vitest';
import { Progress } from '../../src/cli/progress.js';
import { FakeOutput } from './fake-io.js';

describe('progress', () => {
  it('is one line that is rewritten and cleared', () => {
    const terminal = new FakeOutput(true);
    const progress = new Progress(terminal);
    progress.show('mail.pcap', 500e6, 1000e6);
    expect(terminal.text).toBe('\r\x1b[Kreading 50 % of 1000 MB  mail.pcap');
    progress.show('mail.pcap', 500e6 + 1, 1000e6);
    progress.clear();
    expect(terminal.text).toBe('\r\x1b[Kreading 50 % of 1000 MB  mail.pcap\r\x1b[K');
  });

  it('counts what has no length, and fits the terminal whatever the name is', () => {
    const terminal = new FakeOutput(true);
    new Progress(terminal).show('-', 123e6, null);
    expect(terminal.text).toContain('reading 123 MB  standard input');
    const other = new FakeOutput(true);
    new Progress(other).show(`\x1b[2J${'x'.repeat(200)}`, 123e6, null);
    expect(other.text.replace('\r\x1b[K', '')).toMatch(/^[ -~]{79}$/);
  });

  it('clears nothing when it showed nothing', () => {
    const terminal = new FakeOutput(true);
    const progress = new Progress(terminal);
    progress.show('mail.pcap', 1000, 1000);
    progress.clear();
    expect(terminal.text).toBe('');
  });
});
