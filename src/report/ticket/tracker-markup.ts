/**
 * How one tracker marks up text. What comes in is printable and nothing more; what goes out has nothing live in it that
 * was not meant. Each method gives a block that ends with an empty line.
 */
export interface TrackerMarkup {
  heading(level: 2 | 3, text: string): string;
  strong(text: string): string;
  paragraph(text: string): string;
  list(items: readonly string[]): string;
  /** For words of the program's own: cells hold no text of packets. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): string;
  /** Lines as they are: octets, commands, filters. */
  verbatim(lines: readonly string[]): string;
  /** What is opened on demand, where the tracker can. */
  folded(summary: string, blocks: Iterable<string>): Iterable<string>;
}
