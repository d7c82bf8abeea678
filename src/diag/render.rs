//! The one renderer: first line, place, excerpt with a marker, notes and help.
//!
//! 1. Tabs of the excerpt are expanded to stops of eight columns; the marker stays on the first line of its range.
//! 2. Control bytes never reach the terminal; bytes that are no UTF-8 show as replacement characters.
//! 3. Colours change nothing but colour: without them the text is the same.

use std::fmt::Write as _;

use super::report::{Location, Report, Severity};

const TAB_STOP: usize = 8;

/// Terminal colours of one report, all empty without colours.
struct Paint {
    severity: &'static str,
    bold: &'static str,
    gutter: &'static str,
    reset: &'static str,
}

impl Paint {
    const fn new(severity: Severity, colours: bool) -> Self {
        if !colours {
            return Self { severity: "", bold: "", gutter: "", reset: "" };
        }
        let severity = match severity {
            Severity::Error | Severity::Fatal => "\x1b[1;31m",
            Severity::Warning => "\x1b[1;33m",
            Severity::Hint => "\x1b[1;36m",
        };
        Self { severity, bold: "\x1b[1m", gutter: "\x1b[1;34m", reset: "\x1b[0m" }
    }
}

/// Renders a report; every line, the last included, ends in a newline.
#[must_use]
pub fn render(report: &Report<'_>, colours: bool) -> String {
    let paint = Paint::new(report.severity, colours);
    let mut out = String::new();
    out.push_str(paint.severity);
    out.push_str(report.severity.word());
    if let Some(code) = report.code {
        // Writing to a string cannot fail; the same holds below.
        let _ = write!(out, "[{code}]");
    }
    let _ = writeln!(out, "{}: {}{}{}", paint.reset, paint.bold, report.message, paint.reset);
    let mut gutter = String::from(" ");
    if let Some(location) = &report.location {
        gutter = " ".repeat(location.line.to_string().len() + 1);
        place(&mut out, location, &gutter, &paint);
    }
    for note in &report.notes {
        let _ = writeln!(out, "{gutter}{}={} note: {note}", paint.gutter, paint.reset);
    }
    if let Some(help) = &report.help {
        let _ = writeln!(out, "{gutter}{}={} help: {help}", paint.gutter, paint.reset);
    }
    if let Some(trailer) = &report.trailer {
        out.push_str(trailer);
        if !trailer.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

fn place(out: &mut String, location: &Location<'_>, gutter: &str, paint: &Paint) {
    let Paint { gutter: blue, reset, severity, .. } = paint;
    let _ = write!(out, "{gutter}{blue}-->{reset} {}:{}", location.name, location.line);
    if location.column > 0 {
        let _ = write!(out, ":{}", location.column);
    }
    out.push('\n');
    let Some((source, span)) = location.excerpt else { return };
    let text = source.line_text(location.line);
    if text.is_empty() {
        return;
    }
    let line_start = source.lines().line_start(location.line) as usize;
    let from = (span.start as usize).saturating_sub(line_start).min(text.len());
    let to = (span.end as usize).saturating_sub(line_start).clamp(from, text.len());
    let (shown, columns) = expand(text, [from, to]);
    let width = columns[1].saturating_sub(columns[0]).max(1);
    let _ = writeln!(out, "{gutter}{blue}|{reset}");
    let _ = writeln!(out, "{blue}{} |{reset} {shown}", location.line);
    let marker = format!("^{}", "~".repeat(width - 1));
    let _ = writeln!(out, "{gutter}{blue}|{reset} {}{severity}{marker}{reset}", " ".repeat(columns[0]));
}

/// The line as it is shown, and the columns (from 0) in it at which two of its bytes are shown.
fn expand(text: &[u8], offsets: [usize; 2]) -> (String, [usize; 2]) {
    let mut shown = String::new();
    let mut column = 0;
    let mut columns = [None; 2];
    let mut offset = 0;
    let mut visit = |offset: usize, column: usize| {
        for (wanted, found) in offsets.iter().zip(&mut columns) {
            if found.is_none() && offset >= *wanted {
                *found = Some(column);
            }
        }
    };
    for chunk in text.utf8_chunks() {
        for char in chunk.valid().chars() {
            visit(offset, column);
            offset += char.len_utf8();
            if char == '\t' {
                let width = TAB_STOP - column % TAB_STOP;
                shown.extend(std::iter::repeat_n(' ', width));
                column += width;
            } else {
                shown.push(if char.is_control() { '\u{fffd}' } else { char });
                column += 1;
            }
        }
        if !chunk.invalid().is_empty() {
            visit(offset, column);
            offset += chunk.invalid().len();
            shown.push('\u{fffd}');
            column += 1;
        }
    }
    visit(offset, column);
    (shown, columns.map(|found| found.unwrap_or(column)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Source, Span};

    #[test]
    fn syntax_error_with_help() {
        let source = Source::new(b"local t = {}\nfor i = 1, 10\n  print(i)\nend\n");
        let report = Report::new(Severity::Fatal, "orders.lua:3: 'do' expected near 'print'")
            .at(Location::of_span("orders.lua", &source, Span::new(29, 34)))
            .help("the header of a numeric 'for' ends with 'do'");
        let expected = "\
Error: orders.lua:3: 'do' expected near 'print'
  --> orders.lua:3:3
  |
3 |   print(i)
  |   ^~~~~
  = help: the header of a numeric 'for' ends with 'do'
";
        assert_eq!(render(&report, false), expected);
    }

    #[test]
    fn lint_finding_with_two_digits() {
        let text = [&b"\n".repeat(11)[..], b"  local n: number = \"s\"\n"].concat();
        let source = Source::new(&text);
        let report = Report::new(Severity::Error, "cannot assign \"s\" to number")
            .code("E0000")
            .at(Location::of_span("shop.cart:total", &source, Span::new(31, 34)))
            .note("declared here");
        let expected = "\
error[E0000]: cannot assign \"s\" to number
   --> shop.cart:total:12:21
   |
12 |   local n: number = \"s\"
   |                     ^~~
   = note: declared here
";
        assert_eq!(render(&report, false), expected);
    }

    #[test]
    fn runtime_error_with_note_and_traceback() {
        let source = Source::new(b"return item.price * item.count");
        let message = "app:orders:1: attempt to perform arithmetic on a nil value (field 'count')";
        let report = Report::new(Severity::Fatal, message)
            .at(Location::of_span("app:orders", &source, Span::new(20, 30)))
            .note("process {app:processes|0x0002a}")
            .trailer("stack traceback:\n\t[C]: in ?");
        let expected = "\
Error: app:orders:1: attempt to perform arithmetic on a nil value (field 'count')
  --> app:orders:1:21
  |
1 | return item.price * item.count
  |                     ^~~~~~~~~~
  = note: process {app:processes|0x0002a}
stack traceback:
\t[C]: in ?
";
        assert_eq!(render(&report, false), expected);
    }

    #[test]
    fn tabs_and_ranges_over_lines() {
        let source = Source::new(b"\tx\t= f(1,\n2)");
        let report = Report::new(Severity::Warning, "w").code("W1").at(Location::of_span(
            "t",
            &source,
            Span::new(5, 12),
        ));
        let expected = "\
warning[W1]: w
  --> t:1:6
  |
1 |         x       = f(1,
  |                   ^~~~
";
        assert_eq!(render(&report, false), expected);
    }

    #[test]
    fn place_without_text() {
        let report = Report::new(Severity::Hint, "h").at(Location::of_line("t", 7));
        assert_eq!(render(&report, false), "hint: h\n  --> t:7\n");
        let report = Report::new(Severity::Fatal, "nothing more").help("none");
        assert_eq!(render(&report, false), "Error: nothing more\n = help: none\n");
        let source = Source::new(b"a\n\n");
        let report =
            Report::new(Severity::Fatal, "empty").at(Location::of_span("t", &source, Span::new(3, 3)));
        assert_eq!(render(&report, false), "Error: empty\n  --> t:3:1\n");
    }

    #[test]
    fn control_bytes_and_broken_text_are_replaced() {
        let source = Source::new(b"a\x1b\xff\xc3\xa9b x");
        let report = Report::new(Severity::Fatal, "m").at(Location::of_span("t", &source, Span::new(7, 8)));
        let expected = "Error: m\n  --> t:1:8\n  |\n1 | a\u{fffd}\u{fffd}éb x\n  |       ^\n";
        assert_eq!(render(&report, false), expected);
    }

    #[test]
    fn colours_only_add_escapes() {
        let source = Source::new(b"x = 1");
        let report = Report::new(Severity::Error, "m")
            .code("E1")
            .at(Location::of_span("t", &source, Span::new(0, 1)))
            .help("h");
        let coloured = render(&report, true);
        assert!(coloured.starts_with("\x1b[1;31merror[E1]\x1b[0m: \x1b[1mm\x1b[0m\n"));
        let mut plain = coloured;
        for code in ["\x1b[1;31m", "\x1b[1m", "\x1b[1;34m", "\x1b[0m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, render(&report, false));
    }
}
