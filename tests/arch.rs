//! House rules as tests: which room may use which, where `unsafe`, limits and printing may live.
//!
//! The source is read as text with comments and string contents blanked out, which is enough for these rules and
//! needs no parser. The rooms and their edges are those of the architecture page.

use std::fs;
use std::path::{Path, PathBuf};

/// Files below every room, which all may name: limits, the text forms of numbers, which need nothing but bytes, and turns.
const GROUND: &[&str] = &["limits", "numeral", "numfmt", "turns"];

/// Room of `src/`, and the rooms it may name besides [`GROUND`].
const ROOMS: &[(&str, &[&str])] = &[
    ("limits", &[]),
    ("numeral", &[]),
    ("numfmt", &[]),
    ("turns", &[]),
    ("diag", &[]),
    ("syntax", &["diag"]),
    // Prototypes carry the spans that a diagnostic points at.
    ("bytecode", &["diag"]),
    ("compiler", &["syntax", "bytecode", "diag"]),
    // Linked code keeps its prototype's spans for error messages.
    ("heap", &["bytecode", "diag"]),
    ("vm", &["heap", "bytecode", "diag"]),
    ("stdlib", &["vm"]),
    // What a type means is data of the chunk's bytecode.
    ("types", &["syntax", "vm", "bytecode", "diag"]),
    // `runtime/loader` is the hook that `load` reaches the compiler through: text to syntax tree to prototype, binary
    // chunks to prototype. `runtime/script` starts the linked code.
    ("runtime", &["vm", "stdlib", "types", "compiler", "syntax", "bytecode", "heap"]),
    // Modules show their services to Lua through the native interface; `time` has the calendar from `os`.
    ("modules", &["runtime", "vm", "stdlib"]),
    ("app", &["runtime", "modules", "diag"]),
    ("cli", ALL),
    ("main", ALL),
    ("lib", ALL),
];
const ALL: &[&str] = &[
    "limits", "diag", "syntax", "bytecode", "compiler", "heap", "vm", "stdlib", "types", "runtime",
    "modules", "app", "cli",
];
/// Parts of a room that may name less than the room: the engine room of the runtime knows tasks, no Lua.
const NARROWER: &[(&str, &[&str])] = &[
    ("runtime/sched/", &["runtime"]),
    ("runtime/sync.rs", &[]),
    ("runtime/mailbox.rs", &["runtime"]),
    ("runtime/timer.rs", &["runtime"]),
    ("runtime/clock.rs", &["runtime"]),
];
const UNSAFE_ROOMS: &[&str] = &["heap", "vm"];
const PRINTING_ROOMS: &[&str] = &["cli", "main"];

struct Source {
    path: PathBuf,
    room: String,
    /// Lines without comments and string contents, up to `#[cfg(test)] mod`.
    code: Vec<String>,
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&src, &mut files);
    let tests: Vec<PathBuf> = files.iter().flat_map(|path| test_modules(path)).collect();
    files.retain(|path| !tests.iter().any(|test| path.starts_with(test) || path.with_extension("") == *test));
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&src).expect("collected below src");
            let first = inside.components().next().expect("a file has a name").as_os_str();
            let room =
                Path::new(first).file_stem().expect("a name has a stem").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("source files are UTF-8");
            let code = without_tests(&blank(&text));
            Source { path: inside.to_owned(), room, code }
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src is readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The modules in files of their own that a source declares as `#[cfg(test)] mod name;`, without extension.
fn test_modules(path: &Path) -> Vec<PathBuf> {
    let text = blank(&fs::read_to_string(path).expect("source files are UTF-8"));
    let own_folder = ["mod", "lib", "main"].iter().any(|stem| path.file_stem().is_some_and(|s| s == *stem));
    let folder =
        if own_folder { path.parent().expect("below src").to_owned() } else { path.with_extension("") };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| pair[1].trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'))
        .map(|name| folder.join(name))
        .collect()
}

/// Replaces comments and the contents of string and character literals by spaces; keeps line ends.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let end = match bytes[i..] {
            [b'/', b'/', ..] => i + bytes[i..].iter().position(|&b| b == b'\n').unwrap_or(bytes.len() - i),
            [b'/', b'*', ..] => block_comment_end(bytes, i),
            [b'r', b'"' | b'#', ..] if i == 0 || !is_word(bytes[i - 1]) || bytes[i - 1] == b'b' => {
                raw_string_end(bytes, i)
            }
            [b'"', ..] => quoted_end(bytes, i),
            [b'\'', b'\\', ..] => {
                (i + 3..bytes.len()).find(|&k| bytes[k] == b'\'').map_or(bytes.len(), |k| k + 1)
            }
            [b'\'', _, b'\'', ..] => i + 3,
            _ => i,
        };
        if end == i {
            out.push(bytes[i]);
            i += 1;
        } else {
            out.extend(bytes[i..end].iter().map(|&b| if b == b'\n' { b'\n' } else { b' ' }));
            i = end;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut i) = (0, start);
    while i < bytes.len() {
        match bytes[i..] {
            [b'/', b'*', ..] => (depth, i) = (depth + 1, i + 2),
            [b'*', b'/', ..] => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    bytes.len()
}

fn raw_string_end(bytes: &[u8], start: usize) -> usize {
    let hashes = bytes[start + 1..].iter().take_while(|&&b| b == b'#').count();
    let open = start + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return start; // a raw identifier
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let rest = &bytes[open + 1..];
    rest.windows(close.len()).position(|w| w == close).map_or(bytes.len(), |at| open + 1 + at + close.len())
}

fn quoted_end(bytes: &[u8], start: usize) -> usize {
    let mut i = start + 1;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => i += 2,
            b'"' => return i + 1,
            _ => i += 1,
        }
    }
    bytes.len()
}

/// Drops everything from `#[cfg(test)]` on when a module follows: tests may break the rules of the house.
fn without_tests(code: &str) -> Vec<String> {
    let lines: Vec<&str> = code.lines().collect();
    let end = (0..lines.len()).find(|&i| {
        lines[i].trim() == "#[cfg(test)]"
            && lines[i + 1..]
                .iter()
                .map(|l| l.trim())
                .find(|l| !l.is_empty() && !l.starts_with("#["))
                .is_some_and(|l| l.starts_with("mod ") && l.ends_with('{'))
    });
    lines[..end.unwrap_or(lines.len())].iter().map(|l| l.to_string()).collect()
}

/// Where `word` stands as a whole word in `line`.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].bytes().next_back().is_none_or(|b| !is_word(b));
        let after = line[at + word.len()..].bytes().next().is_none_or(|b| !is_word(b));
        before && after
    })
}

/// The rooms named by `crate::room` and by `crate::{room, …}`.
fn named_rooms(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].bytes().next_back().is_some_and(|b| is_word(b) || b == b'$') {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = code[at + "crate::".len()..].trim_start();
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut start) = (0usize, 0);
            for (i, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => {
                        found.push((line, leading_word(&group[start..i])));
                        break;
                    }
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.push((line, leading_word(&group[start..i])));
                        start = i + 1;
                    }
                    _ => {}
                }
            }
        } else {
            found.push((line, leading_word(rest)));
        }
    }
    found.retain(|(_, word)| !word.is_empty());
    found
}

fn leading_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn report(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_room_is_in_the_table() {
    let unknown: Vec<String> = sources()
        .iter()
        .filter(|source| !ROOMS.iter().any(|(room, _)| *room == source.room))
        .map(|source| format!("src/{}: room '{}' is not in the table", source.path.display(), source.room))
        .collect();
    report(unknown);
}

#[test]
fn rooms_use_only_what_the_table_allows() {
    let mut complaints = Vec::new();
    for source in sources() {
        let Some((_, allowed)) = ROOMS.iter().find(|(room, _)| *room == source.room) else { continue };
        for (line, target) in named_rooms(&source.code.join("\n")) {
            // Macros exported at the crate root and items of lib.rs are no rooms.
            let is_room = ROOMS.iter().any(|(room, _)| *room == target);
            let known = GROUND.contains(&target.as_str()) || allowed.contains(&target.as_str());
            if is_room && target != source.room && !known {
                complaints.push(format!(
                    "src/{}:{line}: {} may not use {target}",
                    source.path.display(),
                    source.room
                ));
            }
        }
    }
    report(complaints);
}

#[test]
fn the_scheduler_knows_no_lua() {
    let mut complaints = Vec::new();
    for source in sources() {
        let path = source.path.to_string_lossy().replace('\\', "/");
        let Some((_, allowed)) = NARROWER.iter().find(|(part, _)| path.starts_with(part)) else { continue };
        for (line, target) in named_rooms(&source.code.join("\n")) {
            let is_room = ROOMS.iter().any(|(room, _)| *room == target);
            if is_room && !GROUND.contains(&target.as_str()) && !allowed.contains(&target.as_str()) {
                complaints.push(format!("src/{path}:{line}: may not use {target}"));
            }
        }
        // From inside the runtime everything that knows Lua could be named by a relative path as well.
        for (number, line) in source.code.iter().enumerate() {
            for other in ["process", "message", "channel", "script", "loader"] {
                let named = [format!("super::{other}"), format!("runtime::{other}")]
                    .iter()
                    .any(|path| has_word(line, path));
                if named {
                    complaints.push(format!("src/{path}:{}: may not use runtime/{other}", number + 1));
                }
            }
        }
    }
    report(complaints);
}

fn complain(rule: impl Fn(&Source, &str) -> Option<&'static str>) {
    let mut complaints = Vec::new();
    for source in sources() {
        for (number, line) in source.code.iter().enumerate() {
            if let Some(what) = rule(&source, line) {
                complaints.push(format!("src/{}:{}: {what}", source.path.display(), number + 1));
            }
        }
    }
    report(complaints);
}

#[test]
fn unsafe_stays_in_its_rooms() {
    complain(|source, line| {
        let inside = UNSAFE_ROOMS.contains(&source.room.as_str());
        (!inside && has_word(line, "unsafe")).then_some("`unsafe` outside heap and vm")
    });
}

#[test]
fn limits_live_in_one_file() {
    complain(|source, line| {
        if source.room == "limits" {
            return None;
        }
        let mut words =
            line.trim_start().split(|c: char| c.is_whitespace() || c == ':').filter(|w| !w.is_empty());
        let is_const = words.by_ref().any(|w| w == "const" || w == "static");
        let name = words.next().unwrap_or_default();
        (is_const && (name.starts_with("MAX_") || name.starts_with("DEFAULT_")))
            .then_some("a limit outside limits.rs")
    });
}

#[test]
fn printing_stays_in_the_shell() {
    complain(|source, line| {
        let printing = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];
        let inside = PRINTING_ROOMS.contains(&source.room.as_str());
        let found =
            printing.iter().any(|name| has_word(line, name.trim_end_matches('!')) && line.contains(name));
        (!inside && found).then_some("prints outside cli and main.rs")
    });
}

#[test]
fn blanking_keeps_code_and_lines() {
    let text = "let a = \"unsafe // x\"; // unsafe\nlet b = r#\"crate::vm\"#; /* a /* b */ c */ let c = '\"'; let d: &'a str;";
    let blanked = blank(text);
    assert_eq!(blanked.lines().count(), 2);
    assert!(!blanked.contains("unsafe") && !blanked.contains("crate::vm"));
    assert!(blanked.contains("let c =") && blanked.contains("&'a str;"));
}

#[test]
fn grouped_imports_are_seen() {
    let rooms: Vec<String> =
        named_rooms("use crate::{heap::{a, b}, vm::x, diag};\ncrate::limits::Y; $crate::ops;")
            .into_iter()
            .map(|r| r.1)
            .collect();
    assert_eq!(rooms, ["heap", "vm", "diag", "limits"]);
}
