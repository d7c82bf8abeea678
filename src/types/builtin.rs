//! Types of built-in modules that programs may name without a module exporting a value for them.
//!
//! Such a type accepts any table, and the objects of its module: userdata whose metatable has the type's name
//! (`Time` or `time.Time`) as `__name`.

/// Module and type, sorted.
const TYPES: [(&str, &str); 27] = [
    ("channel", "SelectResult"),
    ("excel", "Workbook"),
    ("fs", "FS"),
    ("fs", "File"),
    ("http", "Request"),
    ("http", "Response"),
    ("process", "Event"),
    ("process", "Message"),
    ("process", "Options"),
    ("process", "SpawnBuilder"),
    ("queue", "Message"),
    ("registry", "Changes"),
    ("registry", "History"),
    ("registry", "Snapshot"),
    ("registry", "Version"),
    ("sql", "DB"),
    ("sql", "Statement"),
    ("sql", "Transaction"),
    ("store", "Store"),
    ("stream", "Stream"),
    ("template", "Set"),
    ("time", "Duration"),
    ("time", "Location"),
    ("time", "Time"),
    ("tty", "KeyBinding"),
    ("tty", "Style"),
    ("websocket", "Client"),
];

/// The full name of a module's type, if it is built in.
#[must_use]
pub fn qualified(module: &[u8], name: &[u8]) -> Option<String> {
    let known = TYPES.iter().any(|&(m, n)| m.as_bytes() == module && n.as_bytes() == name);
    known.then(|| [&String::from_utf8_lossy(module), ".", &String::from_utf8_lossy(name)].concat())
}

/// The full name of the one built-in type of this name.
#[must_use]
pub fn unqualified(name: &[u8]) -> Option<String> {
    let mut found = TYPES.iter().filter(|&&(_, n)| n.as_bytes() == name);
    match (found.next(), found.next()) {
        (Some((module, name)), None) => Some(format!("{module}.{name}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!(TYPES.is_sorted());
        assert_eq!(qualified(b"time", b"Time").as_deref(), Some("time.Time"));
        assert_eq!(qualified(b"time", b"DB"), None);
        assert_eq!(unqualified(b"DB").as_deref(), Some("sql.DB"));
        assert_eq!(unqualified(b"Message"), None, "of process and of queue");
    }
}
