/** Processor time of this process, milliseconds: other than the time of day, it does not pass while others compute. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
