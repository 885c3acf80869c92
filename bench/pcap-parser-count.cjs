/** Counts the TCP segments of port 25 with the package pcap-parser, and does nothing else. */
const parser = require('pcap-parser').parse(process.argv[2]);
let count = 0;
parser.on('packet', ({ data }) => {
  if (data.length < 54 || data.readUInt16BE(12) !== 0x0800 || data[23] !== 6) return;
  const tcp = 14 + (data[14] & 15) * 4;
  if (data.readUInt16BE(tcp) === 25 || data.readUInt16BE(tcp + 2) === 25) count++;
});
parser.on('end', () => console.log(count));
