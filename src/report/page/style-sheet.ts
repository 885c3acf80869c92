/**
 * How the page looks. Colours after Okabe and Ito, darkened or lightened until text in them has a contrast of 4.5 to 1
 * with what it stands on (a test computes it); none of them says anything that a word or a shape does not say, too.
 */
export const STYLE_SHEET = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --panel: #f4f5f7; --ink: #1b1f24; --dim: #545c66; --line: #cfd4da;
  --high: #a93f00; --medium: #7a5200; --low: #005f96; --info: #545c66; --good: #00694d;
  --mask-ink: #5c1f00; --mask: #ffdcc2; --accent: #005f96;
  --bar-found: #d55e00; --bar-part: #e69f00; --bar-clean: #009e73; --bar-other: #9aa2ab;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #15181c; --panel: #1f242a; --ink: #e9ecef; --dim: #a8b0ba; --line: #3b434c;
    --high: #ff9b66; --medium: #f0bf4c; --low: #79bdec; --info: #a8b0ba; --good: #4fcfa4;
    --mask-ink: #ffe3cf; --mask: #6b2c05; --accent: #79bdec;
    --bar-found: #ff8a4a; --bar-part: #e6b23c; --bar-clean: #2fb58b; --bar-other: #6d7680;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1.6rem 1.4rem 3rem; max-width: 58rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
h1 { font-size: 1.45rem; line-height: 1.3; margin: .2rem 0 .5rem; font-weight: 650; }
h2 { font-size: 1.1rem; line-height: 1.3; margin: 1.9rem 0 .5rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; line-height: 1.35; margin: 0; }
p { margin: .35rem 0; }
ul, ol { margin: .3rem 0; padding-left: 1.3rem; }
li { margin: .15rem 0; }
code, pre, .octets, .frame, .time { font-family: ui-monospace, "Cascadia Mono", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; font-size: .875em; }
pre { margin: .4rem 0; padding: .6rem .8rem; background: var(--panel); border: 1px solid var(--line); border-radius: .3rem; white-space: pre-wrap; line-height: 1.45; }
small, .dim { color: var(--dim); }
small { font-size: .85em; }
.kicker { margin: 0 0 .5rem; color: var(--dim); font-size: .85rem; letter-spacing: .02em; }
.verdict { border-left: .4rem solid var(--line); padding: .1rem 0 .1rem .9rem; }
.verdict.found { border-color: var(--high); }
.verdict.clean { border-color: var(--good); }
.verdict.unsure { border-color: var(--medium); border-left-style: double; }
.state { font-weight: 650; font-size: .95rem; margin: 0; }
.found > .state { color: var(--high); }
.clean > .state { color: var(--good); }
.unsure > .state { color: var(--medium); }
.bar { display: block; width: 100%; height: .8rem; margin: .7rem 0 .25rem; }
.bar .found { fill: var(--bar-found); } .bar .part { fill: var(--bar-part); }
.bar .clean { fill: var(--bar-clean); } .bar .other { fill: var(--bar-other); }
.bar .hatch { stroke: var(--paper); stroke-width: 2; }
.legend { list-style: none; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; font-size: .9rem; }
.legend svg { display: inline-block; width: .85rem; height: .75rem; vertical-align: -.04rem; margin: 0 .35rem 0 0; }
.finding { border-left: .25rem solid var(--line); padding: .1rem 0 .1rem .8rem; margin: 1rem 0; }
.finding.high { border-color: var(--high); } .finding.medium { border-color: var(--medium); }
.finding.low { border-color: var(--low); }
.severity { font-weight: 700; font-size: .85em; letter-spacing: .03em; white-space: nowrap; margin-right: .35rem; }
.high .severity { color: var(--high); } .medium .severity { color: var(--medium); }
.low .severity { color: var(--low); } .info .severity { color: var(--info); }
.sure { font-weight: 400; color: var(--dim); font-size: .9em; }
.tag { font-size: .75em; font-weight: 400; color: var(--dim); border: 1px solid var(--line); border-radius: .6em; padding: 0 .4em; white-space: nowrap; }
mark { background: var(--mask); color: var(--mask-ink); border-bottom: 2px solid var(--high); padding: 0 .1em; border-radius: .15em .15em 0 0; }
.proofs { list-style: none; padding: 0; margin: .35rem 0; font-size: .92rem; }
.proofs li { margin: .2rem 0; }
.octets { white-space: pre-wrap; }
.filter { color: var(--dim); }
p.filter { font-size: .92rem; }
.filter code { color: var(--ink); user-select: all; }
.why { color: var(--dim); font-size: .9em; }
details { margin: .4rem 0; }
summary { cursor: pointer; color: var(--accent); font-size: .92rem; }
summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
details.finding > summary { color: var(--ink); font-size: 1rem; font-weight: 650; }
dl { margin: .4rem 0; display: grid; grid-template-columns: max-content 1fr; gap: .2rem .9rem; }
dt { color: var(--dim); } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th { text-align: left; font-weight: 600; color: var(--dim); font-size: .85em; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td { vertical-align: top; padding: .14rem .6rem .14rem 0; line-height: 1.4; }
.ladder td { vertical-align: baseline; }
.ladder td:first-child { padding-left: .5rem; border-left: .25rem solid transparent; }
.ladder th:first-child { padding-left: .75rem; }
.ladder .frame, .ladder .time { white-space: nowrap; color: var(--dim); }
.ladder .way { white-space: nowrap; font-size: .85em; color: var(--dim); }
.ladder .server .said { padding-left: 1.6rem; }
.ladder tr.proof { background: var(--panel); }
.ladder tr.proof td:first-child { border-left-color: var(--high); }
.ladder tr.proof .frame { color: var(--ink); font-weight: 700; }
.ladder .aside td { color: var(--dim); font-size: .9em; font-style: italic; }
.sides { table-layout: fixed; }
.sides th:nth-child(2), .sides .way { width: 2rem; text-align: center; padding-left: 0; padding-right: .6rem; }
.sides .way { color: var(--dim); vertical-align: bottom; }
.sides .what td { padding-top: .45rem; font-size: .85em; color: var(--dim); border-top: 1px solid var(--line); }
.sides tr:not(.what) td { padding-bottom: .4rem; }
.sides .place { display: block; font-size: .82em; color: var(--dim); }
.sides .none { color: var(--dim); font-style: italic; }
.attempts .bar { height: .7rem; margin: .3rem 0 0; background: var(--panel); }
.attempts .when { width: 34%; }
.attempts td:first-child { white-space: nowrap; }
.two { display: grid; grid-template: "change verify" auto "capture capture" auto / 3fr 2fr; gap: 0 2rem; }
.two.tall { grid-template: "change verify" auto "capture verify" 1fr / 2fr 3fr; }
.two .change { grid-area: change; } .two .verify { grid-area: verify; } .two .capture { grid-area: capture; }
.change li { margin: .35rem 0; }
.hint { color: var(--dim); font-size: .9rem; }
footer { margin-top: 2rem; padding-top: .6rem; border-top: 1px solid var(--line); color: var(--dim); font-size: .85rem; }
@media (max-width: 44rem) {
  body { padding: 1rem .9rem 2rem; }
  h1 { font-size: 1.2rem; }
  .two, .two.tall { display: block; }
  dl { display: block; } dt { margin-top: .4rem; }
  .ladder thead, .attempts thead { display: none; }
  .ladder tr, .attempts tr { display: block; padding: .3rem 0; border-bottom: 1px solid var(--line); }
  .ladder td { display: inline; padding: 0 .4rem 0 0; }
  .ladder td:first-child, .ladder tr.proof td:first-child { border-left: 0; padding-left: .4rem; }
  .ladder tr.proof { border-left: .25rem solid var(--high); }
  .ladder td.said, .ladder .server .said { display: block; padding: .05rem .4rem; }
  .ladder .server .said { padding-left: 1.2rem; }
  .ladder .context .time { display: none; }
  .ladder .context td.said, .ladder .server.context .said { display: inline; padding: 0; }
  .ladder .aside td:empty { display: none; }
  .sides thead { display: none; }
  .sides tr, .sides td, .sides .way { display: block; width: auto; padding-right: 0; }
  .sides .way { text-align: left; line-height: 1; }
  .attempts td, .attempts .when { display: block; padding-right: 0; width: auto; }
}
@media print {
  @page { size: A4; margin: 8mm 12mm 6mm; }
  :root { color-scheme: light; }
  html { font-size: 10.4px; }
  body { max-width: none; padding: 0; line-height: 1.32; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h1 { font-size: 1.3rem; line-height: 1.22; margin: 0 0 .2rem; }
  .kicker { margin: 0 0 .25rem; }
  h2 { margin: .5rem 0 .15rem; padding-bottom: .05rem; break-after: avoid; }
  .finding { margin: .3rem 0; break-inside: avoid; }
  .ladder tr, pre, li { break-inside: avoid; }
  td, .ladder td { padding-top: .02rem; padding-bottom: .02rem; line-height: 1.26; }
  p, ul, ol, dl, details, li, .proofs, .proofs li, .change li { margin-top: .1rem; margin-bottom: .1rem; }
  .hint, .filter, p.filter { font-size: .88rem; }
  .compared .proofs li:not(.filter), .compared .hint { display: none; }
  .sides tr { break-inside: avoid; }
  .sides .what { break-after: avoid; }
  .sides .what td { padding-top: .12rem; }
  .sides tr:not(.what) td { padding-bottom: .1rem; }
  .sides .place { display: inline; margin-right: .5em; }
  .attempts { font-size: .86rem; }
  .attempts .when { width: 24%; }
  .two { gap: 0 1.4rem; }
  pre { padding: .25rem .5rem; line-height: 1.25; margin: .15rem 0; }
  .two pre { font-size: .8em; }
  .bar { margin-top: .3rem; height: .6rem; }
  .attempts .bar { height: .6rem; margin-top: .15rem; }
  summary { color: var(--dim); }
  .finding > details:not([open]), .proofs li:nth-child(2):not(.filter) { display: none; }
  .proofs li { display: inline; margin-right: .8rem; }
  .finding > ul:not(.proofs) > li:nth-child(n+2) { display: none; }
  .ladder .server.context { display: none; }
  details > .ladder .server.context { display: table-row; }
  footer { margin-top: .3rem; padding-top: .15rem; font-size: .76rem; break-inside: avoid; }
  footer p { display: inline; }
}
`;
