/** What Node 20 has and its type package does not name. */
declare global {
  interface Buffer {
    latin1Slice(start?: number, end?: number): string;
    hexSlice(start?: number, end?: number): string;
    hexWrite(text: string, offset?: number, length?: number): number;
    utf8Slice(start?: number, end?: number): string;
    utf8Write(text: string, offset?: number, length?: number): number;
    latin1Write(text: string, offset?: number, length?: number): number;
  }
  namespace WebAssembly {
    class Memory {
      constructor(descriptor: { initial: number; maximum?: number });
      readonly buffer: ArrayBuffer;
    }
  }
}

export {};
