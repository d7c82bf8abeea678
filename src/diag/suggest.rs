//! "Did you mean": the known word nearest to an unknown one, if it is near enough to be sure.

/// More edits than this are another word.
const NEAR: usize = 2;

/// The candidate with the smallest edit distance to `word`, at most two and less than half of the word; the first of
/// several equal ones.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = NEAR.min(word.chars().count().saturating_sub(1).div_ceil(2));
    let mut best = None;
    for candidate in candidates {
        let distance = edit_distance(word, candidate);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other; anything above the
/// limit may come out as any number above it.
fn edit_distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    if from.len().abs_diff(to.len()) > NEAR {
        return NEAR + 1;
    }
    // Rows of the dynamic programme: two back, one back, current.
    let mut older: Vec<usize> = Vec::new();
    let mut old: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut least = (old[j + 1] + 1).min(row[j] + 1).min(old[j] + usize::from(a != b));
            if i > 0 && j > 0 && from[i - 1] == *b && to[j - 1] == *a {
                least = least.min(older[j - 1] + 1);
            }
            row.push(least);
        }
        older = std::mem::replace(&mut old, row);
    }
    old[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (from, to, distance) in [
            ("", "", 0),
            ("json", "json", 0),
            ("jsn", "json", 1),
            ("josn", "json", 1),
            ("jason", "json", 1),
            ("tiem", "time", 1),
            ("xjsonx", "json", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(edit_distance(from, to), distance, "{from} {to}");
        }
        assert!(edit_distance("a", "abcdefgh") > NEAR);
    }

    #[test]
    fn only_near_words() {
        let modules = ["json", "time", "sql", "http_client"];
        assert_eq!(nearest("jsn", modules), Some("json"));
        assert_eq!(nearest("tmie", modules), Some("time"));
        assert_eq!(nearest("htp_clent", modules), Some("http_client"));
        assert_eq!(nearest("registry", modules), None);
        assert_eq!(nearest("x", modules), None);
        assert_eq!(nearest("", modules), None);
    }
}
