//! Tests of the pattern matcher; every one also suspends after a few steps.

use super::*;

/// Steps with a small budget each time, so that every test also suspends.
fn drive(search: &mut Search, subject: &[u8], pattern: &[u8]) -> Step {
    loop {
        let mut budget = 3;
        match search.step(subject, pattern, &mut budget) {
            Step::OutOfBudget => assert!(budget <= 0),
            other => return other,
        }
    }
}

fn find(subject: &str, pattern: &str) -> Option<(usize, usize)> {
    match drive(&mut Search::new(pattern.as_bytes(), 0), subject.as_bytes(), pattern.as_bytes()) {
        Step::Matched { start, end } => Some((start, end)),
        Step::Failed => None,
        other => panic!("{other:?} for {pattern}"),
    }
}

fn matched<'a>(subject: &'a str, pattern: &str) -> Option<&'a str> {
    find(subject, pattern).map(|(start, end)| &subject[start..end])
}

fn error(subject: &str, pattern: &str) -> String {
    match drive(&mut Search::new(pattern.as_bytes(), 0), subject.as_bytes(), pattern.as_bytes()) {
        Step::Error(error) => error.to_string(),
        other => panic!("{other:?} for {pattern}"),
    }
}

fn captures(subject: &str, pattern: &str) -> Vec<String> {
    let mut search = Search::new(pattern.as_bytes(), 0);
    let Step::Matched { start, end } = drive(&mut search, subject.as_bytes(), pattern.as_bytes()) else {
        panic!("no match of {pattern}");
    };
    (0..search.value_count())
        .map(|i| match search.capture(i, start, end).unwrap() {
            Capture::Range { start, end } => subject[start..end].to_string(),
            Capture::Position(at) => (at + 1).to_string(),
        })
        .collect()
}

fn gsub(subject: &str, pattern: &str, replacement: &str) -> Result<String, PatternError> {
    let mut search = Search::new(pattern.as_bytes(), 0);
    let mut out = Vec::new();
    let mut copied = 0;
    loop {
        match drive(&mut search, subject.as_bytes(), pattern.as_bytes()) {
            Step::Matched { start, end } => {
                out.extend_from_slice(&subject.as_bytes()[copied..start]);
                search.expand_replacement(
                    &mut out,
                    replacement.as_bytes(),
                    subject.as_bytes(),
                    start,
                    end,
                )?;
                copied = end;
            }
            Step::Failed => break,
            Step::Error(error) => return Err(error),
            Step::OutOfBudget => unreachable!(),
        }
    }
    out.extend_from_slice(&subject.as_bytes()[copied..]);
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn items_and_repeats() {
    assert_eq!(find("hello", "l"), Some((2, 3)));
    assert_eq!(find("hello", "lo"), Some((3, 5)));
    assert_eq!(find("hello", ""), Some((0, 0)));
    assert_eq!(find("hello", "x"), None);
    assert_eq!(matched("aaab", "a*b"), Some("aaab"));
    assert_eq!(matched("aaab", "a*"), Some("aaa"));
    assert_eq!(matched("baaa", "a*"), Some(""));
    assert_eq!(matched("baaa", "a+"), Some("aaa"));
    assert_eq!(matched("aaab", "a-b"), Some("aaab"));
    assert_eq!(matched("[[x]] [[y]]", "%[%[.-%]%]"), Some("[[x]]"));
    assert_eq!(matched("ab", "a?b"), Some("ab"));
    assert_eq!(matched("b", "a?b"), Some("b"));
    assert_eq!(matched("key = 12", "%w+%s*=%s*%d+"), Some("key = 12"));
    assert_eq!(matched("a.b", "%."), Some("."));
    assert_eq!(matched("abc$", "c$"), None);
    assert_eq!(matched("abc", "c$"), Some("c"));
    assert_eq!(matched("a$c", "a$c"), Some("a$c"));
    assert_eq!(matched("*a", "*a"), Some("*a"));
    assert_eq!(matched("a\0b", "%z"), Some("\0"));
    assert_eq!(matched("a\0b", "%Z+"), Some("a"));
}

#[test]
fn sets() {
    assert_eq!(matched("x-1]", "[%d%-]+"), Some("-1"));
    assert_eq!(matched("a]b", "[]]"), Some("]"));
    assert_eq!(matched("]]b", "[^]]"), Some("b"));
    assert_eq!(matched("a-z", "[a-]+"), Some("a-"));
    assert_eq!(matched("b^", "[x^]"), Some("^"));
    assert_eq!(matched("0xBEEFG", "[%da-fA-F]+$"), None);
    assert_eq!(matched("0xBEEFG", "x[%da-fA-F]+"), Some("xBEEF"));
    assert_eq!(matched("héllo", "[^%w]+"), Some("é"));
}

#[test]
fn balance_frontier_and_references() {
    assert_eq!(matched("f(a(b)c) d)", "%b()"), Some("(a(b)c)"));
    assert_eq!(matched("((x", "%b()"), None);
    assert_eq!(matched("''x''", "%b''"), Some("''"));
    assert_eq!(matched("THE (quick) fox", "%f[%a]%a+%f[%A]"), Some("THE"));
    assert_eq!(find("aba", "%f[a]a%f[%z]"), Some((2, 3)));
    assert_eq!(captures("say \"hi\" x", "([\"'])(.-)%1"), ["\"", "hi"]);
    assert_eq!(matched("abcabc", "^(abc)%1$"), Some("abcabc"));
}

#[test]
fn captures_of_all_kinds() {
    assert_eq!(captures("2024-06", "(%d+)-(%d+)"), ["2024", "06"]);
    assert_eq!(captures("abc", "()b()"), ["2", "3"]);
    assert_eq!(captures("abc", "((a)(b))"), ["ab", "a", "b"]);
    assert_eq!(captures("aXb", "(a*(.)%w)"), ["aXb", "X"]);
    assert_eq!(captures("abc", "b"), ["b"]);
    let many = "()".repeat(32);
    assert_eq!(captures("", &many).len(), 32);
}

#[test]
fn errors() {
    assert_eq!(error("a", "%"), "malformed pattern (ends with '%')");
    assert_eq!(error("a", "[a"), "malformed pattern (missing ']')");
    assert_eq!(error("a", "[]"), "malformed pattern (missing ']')");
    assert_eq!(error("a", "[^]"), "malformed pattern (missing ']')");
    assert_eq!(error("a", "[a%]"), "malformed pattern (missing ']')");
    assert_eq!(error("a", "[a%"), "malformed pattern (missing ']')");
    assert_eq!(error("a", "%b"), "malformed pattern (missing arguments to '%b')");
    assert_eq!(error("a", "%ba"), "malformed pattern (missing arguments to '%b')");
    assert_eq!(error("a", "%f"), "missing '[' after '%f' in pattern");
    assert_eq!(error("a", "a)"), "invalid pattern capture");
    assert_eq!(error("a", "%1"), "invalid capture index %1");
    assert_eq!(error("a", "(%0)"), "invalid capture index %0");
    assert_eq!(error("a", "(%1)"), "invalid capture index %1");
    assert_eq!(error("a", &"(a".repeat(33)[..].replace('a', "")), "too many captures");
    // An error that is not reached is none.
    assert_eq!(find("a", "x%"), None);
    let mut search = Search::new(b"(a", 0);
    assert_eq!(drive(&mut search, b"a", b"(a"), Step::Matched { start: 0, end: 1 });
    assert_eq!(search.capture(0, 0, 1).unwrap_err().to_string(), "unfinished capture");
}

#[test]
fn depth_is_that_of_the_reference() {
    let text = "a".repeat(300_000);
    assert_eq!(error(&text, &".?".repeat(200_000)), "pattern too complex");
    assert_eq!(error(&text, &".?".repeat(200)), "pattern too complex");
    assert_eq!(find(&text, &".?".repeat(199)), Some((0, 199)));
    assert_eq!(find(&text, "a*b?$"), Some((0, 300_000)));
    assert_eq!(find(&text, "^.-$"), Some((0, 300_000)));
}

#[test]
fn blow_ups_stop_at_the_budget() {
    let text = vec![b'a'; 40];
    let pattern = format!("{}b", "a-".repeat(20));
    let mut search = Search::new(pattern.as_bytes(), 0);
    for _ in 0..10 {
        let mut budget = 10_000;
        assert_eq!(search.step(&text, pattern.as_bytes(), &mut budget), Step::OutOfBudget);
        assert!((-100..=0).contains(&budget));
    }
    let long = vec![b'x'; 1 << 22];
    for pattern in [&b"abc"[..], b"a%d", b".-a", b".*a", b"%bxy", b"[x]*a"] {
        let mut search = Search::new(pattern, 0);
        let mut budget = 100;
        assert_eq!(search.step(&long, pattern, &mut budget), Step::OutOfBudget, "{pattern:?}");
        assert!(budget > -10_000);
    }
}

#[test]
fn substitution() {
    assert_eq!(gsub("hello world", "o", "0").unwrap(), "hell0 w0rld");
    assert_eq!(gsub("hello world", "(%w+)", "<%1>").unwrap(), "<hello> <world>");
    assert_eq!(gsub("abc", "%w", "%0%0").unwrap(), "aabbcc");
    assert_eq!(gsub("abc", "", "-").unwrap(), "-a-b-c-");
    assert_eq!(gsub("abc def", "%w*", "x").unwrap(), "x x");
    assert_eq!(gsub("abc", "^a", "x").unwrap(), "xbc");
    assert_eq!(gsub("aaa", "^a", "x").unwrap(), "xaa");
    assert_eq!(gsub("abc", "()", "%1").unwrap(), "1a2b3c4");
    assert_eq!(gsub("50", "%d+", "%0%%").unwrap(), "50%");
    let error = |replacement| gsub("alo", ".", replacement).unwrap_err().to_string();
    assert_eq!(error("%2"), "invalid capture index %2");
    assert_eq!(error("%a"), "invalid use of '%' in replacement string");
    assert_eq!(error("%"), "invalid use of '%' in replacement string");
}

#[test]
fn successive_matches() {
    let (subject, pattern) = (b"^a^a".as_slice(), b"^a".as_slice());
    let mut search = Search::unanchored(pattern, 0);
    assert_eq!(drive(&mut search, subject, pattern), Step::Matched { start: 0, end: 2 });
    assert_eq!(drive(&mut search, subject, pattern), Step::Matched { start: 2, end: 4 });
    assert_eq!(drive(&mut search, subject, pattern), Step::Failed);
    assert_eq!(drive(&mut search, subject, pattern), Step::Failed);
    assert!(is_plain(b"a]b") && !is_plain(b"a.b"));
    assert_eq!(find_plain(b"a.b.c", b".", 2), Some(3));
}
