//! One helpful sentence for mistakes that can only mean one thing, mostly habits from other languages.

use super::SyntaxError;

/// What to write instead, if the text leaves no doubt.
#[must_use]
pub fn hint(source: &[u8], error: &SyntaxError) -> Option<String> {
    let (start, end) = (error.span.start as usize, error.span.end as usize);
    let message = error.message.as_slice();
    let at = source.get(start..end)?;
    let after = source.get(end..).unwrap_or_default();
    let before = source.get(..start).unwrap_or_default();
    let operator = |text: &[u8]| source.get(start..).is_some_and(|rest| rest.starts_with(text));

    if operator(b"!=") {
        return Some("'not equal' is written '~='".into());
    }
    if operator(b"&&") || at == b"&" && (after.starts_with(b"&") || before.ends_with(b"&")) {
        return Some("logical 'and' is written 'and'".into());
    }
    if operator(b"||") || at == b"|" && (after.starts_with(b"|") || before.ends_with(b"|")) {
        return Some("logical 'or' is written 'or'".into());
    }
    if operator(b"!") && message.starts_with(b"unexpected symbol") {
        return Some("negation is written 'not'".into());
    }
    if matches!(at, [b'+' | b'-' | b'*' | b'/' | b'%'] | b"..") && after.starts_with(b"=") {
        let op = String::from_utf8_lossy(at);
        return Some(format!("there is no '{op}='; write the variable twice: x = x {op} y"));
    }
    if at == b"+" && (after.starts_with(b"+") || before.ends_with(b"+")) {
        return Some("there is no '++'; write x = x + 1".into());
    }
    if message.starts_with(b"'then' expected") && at == b"=" {
        return Some("'=' assigns; values are compared with '=='".into());
    }
    if message.starts_with(b"'do' expected") {
        return loop_header(before);
    }
    if at == b"//" && line_before(before).trim_ascii().is_empty() {
        return Some("comments begin with '--'".into());
    }
    if message.starts_with(b"unfinished string") {
        return Some(
            "a quoted string ends on its line; '\\n' inside it is a line break, [[…]] spans lines".into(),
        );
    }
    None
}

/// The bytes of the last line of `text`.
fn line_before(text: &[u8]) -> &[u8] {
    text.rsplit(|b| matches!(b, b'\n' | b'\r')).next().unwrap_or_default()
}

/// Which loop's header came last, seen by its keyword.
fn loop_header(before: &[u8]) -> Option<String> {
    let words = before.rsplit(|b| !b.is_ascii_alphanumeric() && *b != b'_');
    let keyword = words.into_iter().find(|word| matches!(*word, b"for" | b"while" | b"in"))?;
    Some(match keyword {
        b"while" => "the header of a 'while' ends with 'do'".into(),
        b"in" => "the header of a generic 'for' ends with 'do'".into(),
        _ => "the header of a numeric 'for' ends with 'do'".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::hint;
    use bumpalo::Bump;

    fn hint_for(source: &str) -> Option<String> {
        let arena = Bump::new();
        let error = crate::syntax::parse(source.as_bytes(), &arena).err()?;
        hint(source.as_bytes(), &error)
    }

    #[test]
    fn habits_from_other_languages() {
        for (source, part) in [
            ("if a != b then end", "'~='"),
            ("if a && b then end", "'and'"),
            ("if a || b then end", "'or'"),
            ("if !a then end", "'not'"),
            ("x += 1", "'+='"),
            ("x ..= 'a'", "'..='"),
            ("x++", "'++'"),
            ("if a = b then end", "'=='"),
            ("for i = 1, 10\n  print(i)\nend", "numeric 'for'"),
            ("for k in pairs(t)\n  print(k)\nend", "generic 'for'"),
            ("while x < 3\n  print(x)\nend", "'while'"),
            ("// text", "'--'"),
            ("x = 'abc\n'", "ends on its line"),
        ] {
            let hint = hint_for(source).unwrap_or_default();
            assert!(hint.contains(part), "{source}: {hint}");
        }
    }

    #[test]
    fn silent_where_unsure() {
        for source in ["x = ", "f(", "x = = 1", "end", "local 1", "return return"] {
            assert_eq!(hint_for(source), None, "{source}");
        }
    }
}
