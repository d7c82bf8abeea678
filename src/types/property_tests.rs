//! Types and values made at random: a value that is made to fit is accepted, one wrong place is found at its path, and types
//! survive being written out and read back.

use crate::runtime::script::Script;
use crate::vm::Exit;
use proptest::prelude::*;

/// A type of which fitting values can be made.
#[derive(Clone, Debug)]
enum Ty {
    /// From this number to ten more.
    Number(i64),
    Integer,
    /// Of at least so many letters.
    Text(usize),
    Boolean,
    Literal,
    Function,
    Table,
    /// A list that names itself.
    Chain,
    Optional(Box<Ty>),
    Array(Box<Ty>),
    /// A list of one to three elements.
    Bounded(Box<Ty>),
    Map(Box<Ty>),
    /// A map with integers as keys.
    Numbered(Box<Ty>),
    Record(Vec<(bool, Ty)>),
    Readonly(Box<Ty>),
    /// A member of the union, with a tag that tells it apart.
    Tagged(Vec<Ty>),
    /// A union with a thread, which nothing else here is.
    Either(Box<Ty>),
    /// An intersection of the type with itself.
    Both(Box<Ty>),
    /// The type in a generic one.
    Boxed(Box<Ty>),
}

fn ty() -> impl Strategy<Value = Ty> {
    let leaf = prop_oneof![
        (-5..5_i64).prop_map(Ty::Number),
        Just(Ty::Integer),
        (0..4_usize).prop_map(Ty::Text),
        Just(Ty::Boolean),
        Just(Ty::Literal),
        Just(Ty::Function),
        Just(Ty::Table),
        Just(Ty::Chain),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed.clone().prop_map(Ty::Optional),
            boxed.clone().prop_map(Ty::Array),
            boxed.clone().prop_map(Ty::Bounded),
            boxed.clone().prop_map(Ty::Map),
            boxed.clone().prop_map(Ty::Numbered),
            boxed.clone().prop_map(Ty::Either),
            boxed.clone().prop_map(Ty::Both),
            boxed.clone().prop_map(Ty::Boxed),
            boxed.prop_map(|inner| Ty::Readonly(Box::new(Ty::Array(inner)))),
            prop::collection::vec((any::<bool>(), inner.clone()), 1..5).prop_map(Ty::Record),
            prop::collection::vec(inner, 2..4).prop_map(Ty::Tagged),
        ]
    })
}

/// Types that the others refer to.
const NAMED: &str = "type Box<T> = {value: T}\ntype Chain = {v: integer, next?: Chain}\n";

impl Ty {
    fn accepts_nil(&self) -> bool {
        match self {
            Self::Optional(_) => true,
            Self::Either(inner) | Self::Both(inner) => inner.accepts_nil(),
            _ => false,
        }
    }

    fn source(&self) -> String {
        match self {
            Self::Number(least) => format!("number @min({least}) @max({})", least + 10),
            Self::Integer => "integer".into(),
            Self::Text(least) => format!("string @min_len({least}) @max_len(400) @pattern(\"^x*$\")"),
            Self::Boolean => "boolean".into(),
            Self::Literal => "\"on\" | \"off\" | 3 | true".into(),
            Self::Function => "(x: number) -> string".into(),
            Self::Table => "table".into(),
            Self::Chain => "Chain".into(),
            Self::Optional(inner) => format!("({})?", inner.source()),
            Self::Array(inner) => format!("{{({})}}", inner.source()),
            // A list of nil has no length.
            Self::Bounded(inner) if inner.accepts_nil() => format!("{{({})}} @max_len(3)", inner.source()),
            Self::Bounded(inner) => format!("{{({})}} @min_len(1) @max_len(3)", inner.source()),
            Self::Map(inner) => format!("{{[string]: {}}}", inner.source()),
            Self::Numbered(inner) => format!("{{[integer]: {}}}", inner.source()),
            Self::Readonly(inner) => format!("readonly {}", inner.source()),
            Self::Either(inner) => format!("({}) | Channel", inner.source()),
            Self::Both(inner) => format!("({0}) & ({0})", inner.source()),
            Self::Boxed(inner) => format!("Box<{}>", inner.source()),
            Self::Record(fields) => {
                let fields = fields.iter().enumerate().map(|(i, (optional, ty))| {
                    format!("f{i}{} {}", if *optional { "?:" } else { ":" }, ty.source())
                });
                format!("{{{}, free: any, gone: unknown}}", fields.collect::<Vec<_>>().join(", "))
            }
            Self::Tagged(members) => {
                let members =
                    members.iter().enumerate().map(|(i, ty)| format!("{{tag: {i}, value: {}}}", ty.source()));
                members.collect::<Vec<_>>().join(" | ")
            }
        }
    }
}

/// What is wrong with a value where it is no mismatch.
const MISSING: &str = "missing";

/// Makes values as Lua text; with `wrong` exactly one place does not fit, `path` says which, and `fault` how.
struct Maker<'c> {
    choices: &'c [u8],
    path: String,
    fault: &'static str,
}

impl<'c> Maker<'c> {
    const fn new(choices: &'c [u8]) -> Self {
        Self { choices, path: String::new(), fault: "" }
    }

    fn choose(&mut self, n: usize) -> usize {
        let Some((&first, rest)) = self.choices.split_first() else { return 0 };
        self.choices = rest;
        usize::from(first) % n
    }

    /// One of `n` parts, or none of them.
    fn part(&mut self, n: usize) -> Option<usize> {
        self.choose(n + 1).checked_sub(1)
    }

    /// A value that is wrong in one of these ways; a thread fits none of the types.
    fn spoil(&mut self, ways: &[(&str, &'static str)]) -> String {
        match self.part(ways.len()) {
            Some(way) => {
                self.fault = ways[way].1;
                ways[way].0.into()
            }
            None => "coroutine.create(print)".into(),
        }
    }

    fn make(&mut self, ty: &Ty, wrong: bool) -> String {
        match ty {
            Ty::Optional(inner) => {
                if !wrong && self.choose(3) == 0 {
                    return "nil".into();
                }
                self.make(inner, wrong)
            }
            Ty::Readonly(inner) | Ty::Both(inner) => self.make(inner, wrong),
            Ty::Array(inner) | Ty::Bounded(inner) => {
                let bounded = matches!(ty, Ty::Bounded(_));
                let least = usize::from(bounded && !inner.accepts_nil());
                // An element that is nil would end the sequence.
                let items = if inner.accepts_nil() { 1 } else { least + self.choose(3) };
                let Some(bad) = wrong.then(|| self.part(items)) else {
                    return self.list(inner, items, None);
                };
                match bad {
                    Some(_) => self.list(inner, items, bad),
                    None if bounded && least > 0 => self.spoil(&[("{}", "min_len"), ("'text'", "")]),
                    None => self.spoil(&[("'text'", ""), ("5", "")]),
                }
            }
            Ty::Map(inner) | Ty::Numbered(inner) => {
                let numbered = matches!(ty, Ty::Numbered(_));
                let items = 1 + self.choose(3);
                let bad = if wrong { self.part(items + 1) } else { None };
                if wrong && bad.is_none() {
                    return self.spoil(&[("'text'", ""), ("true", "")]);
                }
                let mut out = String::from("{");
                for i in 0..items {
                    let bad = bad == Some(i);
                    let key = if numbered { format!("{}", 100 * i) } else { format!("k{i}") };
                    if bad {
                        self.path.push_str(&format!("[{key}]"));
                    }
                    let value = self.make(inner, bad);
                    let key = if numbered { format!("[{key}]") } else { key };
                    out.push_str(&format!("{key} = {value}, "));
                }
                if bad == Some(items) {
                    // The key is wrong; the value may be anything.
                    self.path.push_str("[false]");
                    out.push_str("[false] = 1");
                }
                out + "}"
            }
            Ty::Record(fields) => {
                let bad = if wrong { self.part(fields.len()) } else { None };
                if wrong && bad.is_none() {
                    return self.spoil(&[("'text'", ""), ("print", "")]);
                }
                let mut out = String::from("{extra = print, free = coroutine.create(print)");
                for (i, (optional, ty)) in fields.iter().enumerate() {
                    if bad == Some(i) {
                        self.field(&format!("f{i}"));
                        let nil_fits = *optional || ty.accepts_nil();
                        if !nil_fits && self.choose(4) == 0 {
                            self.fault = MISSING;
                            continue;
                        }
                        out.push_str(&format!(", f{i} = {}", self.make(ty, true)));
                    } else if !*optional || self.choose(2) == 0 {
                        out.push_str(&format!(", f{i} = {}", self.make(ty, false)));
                    }
                }
                out + "}"
            }
            Ty::Boxed(inner) => {
                if wrong && self.choose(4) == 0 {
                    return self.spoil(&[("false", ""), ("0", "")]);
                }
                if wrong {
                    self.field("value");
                }
                format!("{{value = {}}}", self.make(inner, wrong))
            }
            Ty::Chain => {
                let links = self.choose(4);
                let bad = if wrong { self.part(links + 1) } else { None };
                if wrong && bad.is_none() {
                    return self.spoil(&[("'text'", ""), ("2", "")]);
                }
                let mut out = String::new();
                for i in 0..=links {
                    let value = if bad == Some(i) {
                        self.field("v");
                        self.spoil(&[("1.5", ""), ("nil", MISSING)])
                    } else {
                        "2".into()
                    };
                    if bad.is_some_and(|bad| bad > i) {
                        self.field("next");
                    }
                    out.push_str(&format!("{{v = {value}, next = "));
                }
                out + "nil" + &"}".repeat(links + 1)
            }
            Ty::Tagged(members) => {
                let which = self.choose(members.len());
                let value = self.inside_union(&members[which], wrong);
                format!("{{tag = {which}, value = {value}}}")
            }
            Ty::Either(inner) => match wrong {
                false if self.choose(3) == 0 => "channel.new()".into(),
                // Tables count as objects of modules.
                true => "coroutine.create(print)".into(),
                false => self.inside_union(inner, false),
            },
            Ty::Number(least) if wrong => {
                let (below, above) = (format!("{}", least - 1), format!("{}.5", least + 20));
                self.spoil(&[(&below, "min"), (&above, "max"), ("'5'", "")])
            }
            Ty::Integer if wrong => self.spoil(&[("1.5", ""), ("'1'", ""), ("1/0", ""), ("0/0", "")]),
            Ty::Text(least) if wrong => {
                let short = if *least > 0 { ("''", "min_len") } else { ("{}", "") };
                self.spoil(&[
                    short,
                    ("('x'):rep(401)", "max_len"),
                    ("('x'):rep(9) .. 'y'", "pattern"),
                    ("5", ""),
                ])
            }
            Ty::Boolean if wrong => self.spoil(&[("nil or 0", ""), ("'true'", "")]),
            Ty::Literal if wrong => self.spoil(&[("'o'", ""), ("4", ""), ("3.5", ""), ("false", "")]),
            Ty::Function if wrong => {
                self.spoil(&[("setmetatable({}, {__call = print})", ""), ("'print'", "")])
            }
            Ty::Table if wrong => self.spoil(&[("print", ""), ("'{}'", "")]),
            Ty::Number(least) => format!("{}", (least + self.choose(10) as i64) as f64 + 0.5),
            Ty::Integer => ["0", "-7", "2.0", "1e15", "math.mininteger"][self.choose(5)].into(),
            Ty::Text(least) => format!("('x'):rep({})", least + self.choose(300)),
            Ty::Boolean => ["true", "false"][self.choose(2)].into(),
            Ty::Literal => ["'on'", "'off'", "3", "3.0", "true"][self.choose(5)].into(),
            Ty::Function => ["print", "function() end", "Box.is"][self.choose(3)].into(),
            Ty::Table => ["{}", "{1, x = 2}", "setmetatable({}, {__index = error})"][self.choose(3)].into(),
        }
    }

    /// What fails inside a union is the union.
    fn inside_union(&mut self, ty: &Ty, wrong: bool) -> String {
        let mut inner = Maker::new(self.choices);
        let value = inner.make(ty, wrong);
        self.choices = inner.choices;
        value
    }

    fn field(&mut self, name: &str) {
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
    }

    fn list(&mut self, inner: &Ty, items: usize, bad: Option<usize>) -> String {
        let items = (0..items).map(|i| {
            let bad = bad == Some(i);
            if bad {
                self.path.push_str(&format!("[{}]", i + 1));
            }
            self.make(inner, bad)
        });
        format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
    }
}

/// Runs a chunk in slices of a few reductions; it must end with success.
fn run(text: &str) {
    let mut script = Script::new(None).expect("memory");
    script.vm().set_slice(50);
    let started = script.start_chunk(text.as_bytes(), b"=property").expect("memory");
    assert!(started.is_ok(), "{text}: {}", String::from_utf8_lossy(&started.expect_err("not ok")));
    loop {
        match script.vm().run() {
            Exit::Done => return,
            Exit::Preempted => {}
            Exit::Failed => {
                let value = script.vm().exit_values()[0];
                let message = script.vm().with_context(|cx| {
                    cx.host_value(value).as_str().map(|s| String::from_utf8_lossy(s.bytes()).into_owned())
                });
                panic!("{text}\n{message:?}");
            }
            other => panic!("ended with {other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_made_to_fit_are_accepted(ty in ty(), choices in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut maker = Maker::new(&choices);
        let value = maker.make(&ty, false);
        run(&format!(
            "{NAMED}type T = {}\nlocal v = {value}\nlocal got, err = T:is(v)\nassert(rawequal(got, v) and err == nil, tostring(err))\n\
             assert(rawequal(T(v), v) and rawequal(select(2, pcall(T, v)), v))\n\
             local again = load(string.dump(function() return T end))()\n\
             assert(again == T and again <= T and select(2, again:is(v)) == nil)",
            ty.source()
        ));
    }

    #[test]
    fn the_one_wrong_place_is_found(ty in ty(), choices in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut maker = Maker::new(&choices);
        let value = maker.make(&ty, true);
        let (path, fault) = (maker.path, maker.fault);
        run(&format!(
            "{NAMED}type T = {}\nlocal v = {value}\nlocal got, err = T:is(v)\nassert(got == nil and err:kind() == 'Invalid')\n\
             local d = err:details()\n\
             assert((d.field or '') == '{path}', (d.field or '') .. ' instead of {path}: ' .. tostring(err))\n\
             local fault = d.constraint or d.expected and '' or 'missing'\n\
             assert(fault == '{fault}' and (d.got ~= nil) == (fault == ''), fault .. ' instead of {fault}: ' .. tostring(err))\n\
             assert(err:message():find(d.field or '', 1, true))\n\
             local ok, message = pcall(T, v)\n\
             assert(not ok and message:sub(-#err:message()) == err:message())\n\
             assert(not pcall(function() local w = T(v) end))",
            ty.source()
        ));
    }
}

/// Types that refer to each other, from choices.
struct Shapes<'c> {
    choices: std::slice::Iter<'c, u8>,
}

impl Shapes<'_> {
    fn choose(&mut self, below: u8) -> u8 {
        self.choices.next().copied().unwrap_or(0) % below
    }

    fn name(&mut self) -> &'static str {
        ["A", "B", "C"][usize::from(self.choose(3))]
    }

    fn leaf(&mut self) -> &'static str {
        ["number", "string", "\"a\"", "string @pattern(\"^a$\")", "number[]", "any"]
            [usize::from(self.choose(6))]
    }

    fn ty(&mut self, depth: usize) -> String {
        match self.choose(if depth == 0 { 3 } else { 12 }) {
            0 => self.leaf().into(),
            1 | 2 => self.name().into(),
            3 => format!("({})?", self.ty(depth - 1)),
            4 => format!("{{{}}}", self.ty(depth - 1)),
            5 => format!("{{[string]: {}}}", self.ty(depth - 1)),
            6 => format!("({} & {})", self.ty(depth - 1), self.ty(depth - 1)),
            7 => format!("(({}) @min_len(1))", self.ty(depth - 1)),
            8 | 9 => format!("({} | {})", self.ty(depth - 1), self.ty(depth - 1)),
            _ => {
                let mark = if self.choose(2) == 0 { "?:" } else { ":" };
                format!("{{x: {}, y{mark} {}}}", self.ty(depth - 1), self.ty(depth - 1))
            }
        }
    }

    /// Tables that hold each other.
    fn values(&mut self) -> String {
        let tables = 1 + self.choose(4);
        let mut text = String::from("local t = {");
        text.push_str(&"{},".repeat(usize::from(tables)));
        text.push_str("}\n");
        for i in 1..=tables {
            for key in [".x", ".y", "[1]", "[2]"] {
                let value = match self.choose(7) {
                    0 => continue,
                    1 => "1".to_owned(),
                    2 => "'a'".to_owned(),
                    _ => format!("t[{}]", 1 + self.choose(tables)),
                };
                text.push_str(&format!("t[{i}]{key} = {value}\n"));
            }
        }
        text
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// With a memory from the first check on, with one from some check on, and without. Wrappers leave only a few levels, so that
    /// it ends without.
    #[test]
    fn what_is_remembered_changes_no_answer(
        levels in 1..6_usize,
        from in 2..40_usize,
        choices in prop::collection::vec(any::<u8>(), 30..120)
    ) {
        use crate::types::validate::FORGOTTEN;
        let mut shapes = Shapes { choices: choices.iter() };
        let mut text = String::new();
        for name in ["A", "B", "C"] {
            // Looking into a value each time, or there would be no end.
            text.push_str(&format!("type {name} = {{x: {}}} | {{{}}} | ({} & {{x: any}})\n", shapes.ty(2), shapes.ty(2), shapes.ty(1)));
        }
        let around = crate::limits::MAX_VALUE_LEVELS - levels;
        text.push_str(&format!("type T = {}A{}\n", "{w: ".repeat(around), "}".repeat(around)));
        text.push_str(&shapes.values());
        text.push_str("local n = 0\nfor _, v in ipairs(t) do\n");
        text.push_str(&format!("for _ = 1, {around} do v = {{w = v}} end\n"));
        text.push_str("local _, err = T:is(v)\nn = n .. ' ' .. tostring(err)\nend\nerror(n, 0)");
        let answers = [usize::MAX, 1, from].map(|forgotten| {
            FORGOTTEN.set(forgotten);
            answer(&text, if forgotten == usize::MAX { 1_000 } else { 20_000 })
        });
        FORGOTTEN.set(crate::limits::MAX_FORGOTTEN_CHECKS);
        let [without, from_the_first, from_some] = answers;
        prop_assert_eq!(&from_the_first, &from_some, "{}", text);
        // It may take too long without a memory, never with one.
        prop_assert!(from_some.is_some(), "{}", text);
        prop_assert!(without.is_none() || without == from_some, "{:?} {:?} {}", without, from_some, text);
    }
}

/// The error that a chunk ends with, if it ends after not too many slices.
fn answer(text: &str, slices: usize) -> Option<String> {
    let mut script = Script::new(None).expect("memory");
    script.vm().set_slice(50);
    let started = script.start_chunk(text.as_bytes(), b"=property").expect("memory");
    assert!(started.is_ok(), "{text}: {}", String::from_utf8_lossy(&started.expect_err("not ok")));
    for _ in 0..slices {
        match script.vm().run() {
            Exit::Preempted => {}
            Exit::Failed => {
                let value = script.vm().exit_values()[0];
                return script.vm().with_context(|cx| {
                    cx.host_value(value).as_str().map(|s| String::from_utf8_lossy(s.bytes()).into_owned())
                });
            }
            other => panic!("{text}\nended with {other:?}"),
        }
    }
    None
}
