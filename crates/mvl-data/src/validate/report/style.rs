//! How the page looks, by day and by night.

pub(super) const STYLE: &str = "
:root {
  color-scheme: light dark;
  --ground: #fbfbf9; --card: #ffffff; --ink: #1d2126; --soft: #5b6570; --line: #dfe2e5; --accent: #1f6f8b;
  --good: #1a7f4b; --bad: #b3261e; --warn: #8a5a00; --bar: #5aa1b8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --card: #1c2024; --ink: #e8eaec; --soft: #9aa5b0; --line: #30363c; --accent: #7cc4dc;
    --good: #5fd39a; --bad: #ff8a80; --warn: #f0b957; --bar: #3f8299;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; scroll-margin-top: 1rem; }
p { margin: .25rem 0 1rem; max-width: 44rem; }
a { color: var(--accent); }
.verdict { font-weight: 600; }
.good { color: var(--good); } .bad, .error { color: var(--bad); } .warning { color: var(--warn); } .note { color: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.25rem 0; padding: 0; }
.figures div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; }
.figures dt { color: var(--soft); font-size: .875rem; }
.figures dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; background: var(--card); border: 1px solid var(--line); font-size: .9375rem; }
caption { text-align: left; color: var(--soft); font-size: .875rem; padding: 0 0 .375rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
thead th { border-top: 0; color: var(--soft); font-weight: 600; font-size: .875rem; white-space: nowrap; }
tbody th { font-weight: 500; min-width: 8rem; }
tr.nothing th, tr.nothing td { color: var(--soft); font-weight: 400; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .75rem; margin: .75rem 0 1rem; }
.gallery.pairs { grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; }
figure .row { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: 1px; background: var(--line); }
figure img { display: block; width: 100%; height: 12rem; object-fit: contain; background: #2a2e32; }
figure .none { display: grid; place-items: center; height: 12rem; padding: 1rem; color: var(--soft); background: var(--ground); text-align: center; font-size: .875rem; }
figcaption { padding: .5rem .75rem .625rem; font-size: .8125rem; overflow-wrap: anywhere; }
figcaption .where { display: block; color: var(--soft); }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } svg .soft { fill: var(--soft); } svg rect { fill: var(--bar); }
details { margin: .5rem 0 1rem; } summary { cursor: pointer; color: var(--accent); }
footer { margin-top: 3rem; color: var(--soft); font-size: .875rem; }
@media (max-width: 30rem) { .gallery, .gallery.pairs { grid-template-columns: 1fr; } }
";
