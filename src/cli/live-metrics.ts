import { openMetrics } from '../live/metrics.js';
import type { Watch } from '../live/watch.js';
import type { ListenAddress } from './metrics-server.js';
import { OutputFile } from './output-file.js';

const EVERY_MS = 15_000;

/** Tells others how the watch stands: by a file, by HTTP, or not at all. */
export class LiveMetrics {
  private timer: NodeJS.Timeout | null = null;
  private write: (() => void) | null = null;
  private server: { close(): void } | null = null;
  private failure = '';

  constructor(private readonly say: (line: string) => void) {}

  /** @throws UsageError when the file or the port cannot be */
  async begin(
    { metrics, metricsPort }: { readonly metrics: string | null; readonly metricsPort: ListenAddress | null },
    inputs: readonly string[],
    watch: () => Watch,
    version: string,
  ): Promise<void> {
    const text = (): string => openMetrics(watch(), version);
    if (metrics !== null) {
      this.write = () => new OutputFile(metrics, inputs, 'the metrics').write([text()]);
      this.write();
      this.timer = setInterval(() => this.again(), EVERY_MS);
    }
    if (metricsPort !== null) {
      const { serveMetrics } = await import('./metrics-server.js');
      this.server = await serveMetrics(metricsPort, text);
    }
  }

  end(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.again();
    this.server?.close();
  }

  /** What fails is said once, until it fails otherwise. */
  private again(): void {
    try {
      this.write?.();
      this.failure = '';
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.failure) this.say(message);
      this.failure = message;
    }
  }
}
