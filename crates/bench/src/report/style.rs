//! Colours of the plots: readable on a light page and on a dark one.

use std::fmt::Write as _;

/// An SVG's beginning: its size, and colours by the reader's scheme.
pub(super) fn begin(width: f64, height: f64) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="12">
<style>
svg {{ --paper: #ffffff; --ink: #1f2328; --faint: #59636e; --grid: #dfe3e8; --good: #2e7d6b; --bad: #c0563a; --floor: #6f7a86; }}
@media (prefers-color-scheme: dark) {{
svg {{ --paper: #0f1419; --ink: #e6edf3; --faint: #9aa4af; --grid: #2c343d; --good: #4db39b; --bad: #e08364; --floor: #8b97a3; }}
}}
text {{ fill: var(--ink); }} .faint {{ fill: var(--faint); }} .paper {{ fill: var(--paper); }}
.good {{ fill: var(--good); }} .bad {{ fill: var(--bad); }} .floor {{ fill: var(--floor); }}
.grid {{ stroke: var(--grid); }} .axis {{ stroke: var(--ink); }}
.good-line {{ stroke: var(--good); fill: none; stroke-width: 2; }} .floor-line {{ stroke: var(--floor); fill: none; stroke-width: 2; }}
.bound {{ stroke: var(--ink); stroke-dasharray: 4 3; }} .guide {{ stroke: var(--faint); stroke-dasharray: 3 4; }}
</style>
<rect class="paper" width="100%" height="100%"/>
"#
    )
}

pub(super) fn push(svg: &mut String, element: &str) {
    writeln!(svg, "{element}").expect("memory takes all");
}

/// A straight line of a class.
pub(super) fn line(svg: &mut String, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    push(
        svg,
        &format!(r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#),
    );
}

/// Words, with what else is to be said of them: a class, an anchor, a size.
pub(super) fn words(svg: &mut String, with: &str, (x, y): (f64, f64), words: &str) {
    push(svg, &format!(r#"<text {with} x="{x:.1}" y="{y:.1}">{}</text>"#, escaped(words)));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
