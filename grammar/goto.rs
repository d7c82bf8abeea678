//! The `goto` function of the generated parser as a table.
//!
//! LALRPOP writes it as a `match` in a `match`: jumps that the processor cannot foresee, once for every reduction. Here each
//! nonterminal has a most frequent state to go to and a row of the exceptions; rows lie in one vector, each shifted so
//! that its entries fall into free places, and every entry says whose it is (Tarjan and Yao: Storing a Sparse Table, 1979).

/// One nonterminal: the usual target, and the exceptions as (state, target).
#[derive(Default)]
struct Row {
    usual: i16,
    exceptions: Vec<(usize, i16)>,
}

const BEGIN: &str = "    fn __goto(state: i16, nt: usize) -> i16 {\n";
const END: &str = "\n    }\n";

/// The generated text with the function replaced.
///
/// # Panics
/// If the function does not look as this version of LALRPOP writes it.
pub fn as_table(generated: &str) -> String {
    let (before, rest) = generated.split_once(BEGIN).expect("there is a goto function");
    let (body, after) = rest.split_once(END).expect("it ends");
    let rows = parse(body);
    let states = rows.iter().flat_map(|row| &row.exceptions).map(|(state, _)| state + 1).max().unwrap_or(1);
    let mut table: Vec<Option<(usize, i16)>> = Vec::new();
    let mut bases = vec![0; rows.len()];
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&nonterminal| std::cmp::Reverse(rows[nonterminal].exceptions.len()));
    for nonterminal in order {
        let row = &rows[nonterminal];
        let is_free = |at: usize| table.get(at).is_none_or(Option::is_none);
        let base = (0..)
            .find(|base| row.exceptions.iter().all(|(state, _)| is_free(base + state)))
            .expect("behind the last row there is room");
        bases[nonterminal] = base;
        table.resize(table.len().max(base + states), None);
        for &(state, target) in &row.exceptions {
            table[base + state] = Some((nonterminal, target));
        }
    }
    // The largest state may be one without any exception.
    let states = generated.matches("// State ").count().max(states);
    table.resize(bases.iter().max().unwrap_or(&0) + states, None);
    let entry = |entry: &Option<(usize, i16)>| match entry {
        Some((nonterminal, target)) => format!("({nonterminal}, {target}), "),
        None => format!("({}, 0), ", u16::MAX),
    };
    let rows: String =
        bases.iter().zip(&rows).map(|(base, row)| format!("({base}, {}), ", row.usual)).collect();
    let table: String = table.iter().map(entry).collect();
    format!(
        "{before}    /// Where the row of a nonterminal begins, and its usual target.
    static __ROWS: &[(u16, i16)] = &[{rows}];
    /// Nonterminals and their targets.
    static __TARGETS: &[(u16, i16)] = &[{table}];
    #[inline]
    fn __goto(state: i16, nt: usize) -> i16 {{
        let (base, usual) = __ROWS[nt];
        let (owner, target) = __TARGETS[base as usize + state as usize];
        if owner as usize == nt {{ target }} else {{ usual }}
    }}
{after}"
    )
}

/// The rows of the function, by nonterminal.
fn parse(body: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut current = None;
    for line in body.lines().map(str::trim) {
        let Some((pattern, value)) = line.split_once(" => ") else {
            if line == "}," {
                current = None;
            }
            continue;
        };
        let number = |text: &str| text.trim_end_matches(',').parse::<i16>();
        match (current, value) {
            (None, "match state {") => current = Some(row_of(&mut rows, pattern)),
            (None, _) if pattern == "_" => {}
            (None, value) => {
                let nonterminal = row_of(&mut rows, pattern);
                rows[nonterminal].usual = number(value).expect("a state");
            }
            (Some(nonterminal), value) => {
                let target = number(value).expect("a state");
                if pattern == "_" {
                    rows[nonterminal].usual = target;
                } else {
                    let states = pattern.split(" | ").flat_map(range);
                    rows[nonterminal].exceptions.extend(states.map(|state| (state, target)));
                }
            }
        }
    }
    assert!(rows.len() > 1, "the goto function looks different now");
    rows
}

fn row_of(rows: &mut Vec<Row>, pattern: &str) -> usize {
    let nonterminal: usize = pattern.parse().expect("the number of a nonterminal");
    rows.resize_with(rows.len().max(nonterminal + 1), Row::default);
    nonterminal
}

/// `7` or `7..=9`.
fn range(pattern: &str) -> std::ops::RangeInclusive<usize> {
    let state = |text: &str| text.parse().expect("a state");
    match pattern.split_once("..=") {
        Some((first, last)) => state(first)..=state(last),
        None => state(pattern)..=state(pattern),
    }
}
