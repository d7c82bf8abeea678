//! Types and values made at random: a value that is made to fit is accepted, one wrong place is found at its path, and types
//! survive being written out and read back.

use crate::runtime::script::Script;
use crate::vm::Exit;
use proptest::prelude::*;

/// A type of which fitting values can be made.
#[derive(Clone, Debug)]
enum Ty {
    Number(i64),
    Integer,
    Text(usize),
    Boolean,
    Literal,
    Optional(Box<Ty>),
    Array(Box<Ty>),
    Map(Box<Ty>),
    Record(Vec<(bool, Ty)>),
    Readonly(Box<Ty>),
    /// A member of the union, with a tag that tells it apart.
    Tagged(Vec<Ty>),
}

fn ty() -> impl Strategy<Value = Ty> {
    let leaf = prop_oneof![
        (-5..5_i64).prop_map(Ty::Number),
        Just(Ty::Integer),
        (0..4_usize).prop_map(Ty::Text),
        Just(Ty::Boolean),
        Just(Ty::Literal),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed.clone().prop_map(Ty::Optional),
            boxed.clone().prop_map(Ty::Array),
            boxed.clone().prop_map(Ty::Map),
            boxed.prop_map(|inner| Ty::Readonly(Box::new(Ty::Array(inner)))),
            prop::collection::vec((any::<bool>(), inner.clone()), 1..5).prop_map(Ty::Record),
            prop::collection::vec(inner, 2..4).prop_map(Ty::Tagged),
        ]
    })
}

impl Ty {
    fn source(&self) -> String {
        match self {
            Self::Number(least) => format!("number @min({least})"),
            Self::Integer => "integer".into(),
            Self::Text(least) => format!("string @min_len({least}) @pattern(\"^x*$\")"),
            Self::Boolean => "boolean".into(),
            Self::Literal => "\"on\" | \"off\" | 3".into(),
            Self::Optional(inner) => format!("({})?", inner.source()),
            Self::Array(inner) => format!("{{({})}}", inner.source()),
            Self::Map(inner) => format!("{{[string]: {}}}", inner.source()),
            Self::Readonly(inner) => format!("readonly {}", inner.source()),
            Self::Record(fields) => {
                let fields = fields.iter().enumerate().map(|(i, (optional, ty))| {
                    format!("f{i}{} {}", if *optional { "?:" } else { ":" }, ty.source())
                });
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
            Self::Tagged(members) => {
                let members =
                    members.iter().enumerate().map(|(i, ty)| format!("{{tag: {i}, value: {}}}", ty.source()));
                members.collect::<Vec<_>>().join(" | ")
            }
        }
    }
}

/// Makes values as Lua text; with `wrong` exactly one place does not fit, and `path` says which.
struct Maker<'c> {
    choices: &'c [u8],
    path: String,
}

impl Maker<'_> {
    fn choose(&mut self, n: usize) -> usize {
        let Some((&first, rest)) = self.choices.split_first() else { return 0 };
        self.choices = rest;
        usize::from(first) % n
    }

    /// One of `n` parts, or none of them.
    fn part(&mut self, n: usize) -> Option<usize> {
        self.choose(n + 1).checked_sub(1)
    }

    fn make(&mut self, ty: &Ty, wrong: bool) -> String {
        // A function fits none of these types.
        const WRONG: &str = "print";
        match ty {
            Ty::Optional(inner) => {
                if !wrong && self.choose(3) == 0 {
                    return "nil".into();
                }
                self.make(inner, wrong)
            }
            Ty::Readonly(inner) => self.make(inner, wrong),
            Ty::Array(inner) => {
                // An element that is nil would end the sequence.
                let items = if matches!(**inner, Ty::Optional(_)) { 1 } else { 1 + self.choose(3) };
                let Some(bad) = wrong.then(|| self.part(items)) else {
                    return self.list(inner, items, None);
                };
                let Some(bad) = bad else { return WRONG.into() };
                self.list(inner, items, Some(bad))
            }
            Ty::Map(inner) => {
                let items = 1 + self.choose(3);
                let bad = if wrong { self.part(items) } else { None };
                if wrong && bad.is_none() {
                    return WRONG.into();
                }
                let items = (0..items).map(|i| {
                    let bad = bad == Some(i);
                    if bad {
                        self.path.push_str(&format!("[k{i}]"));
                    }
                    format!("k{i} = {}", self.make(inner, bad))
                });
                format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
            }
            Ty::Record(fields) => {
                let bad = if wrong { self.part(fields.len()) } else { None };
                if wrong && bad.is_none() {
                    return WRONG.into();
                }
                let mut out = String::from("{extra = print");
                for (i, (optional, ty)) in fields.iter().enumerate() {
                    if bad == Some(i) {
                        self.field(&format!("f{i}"));
                        let nil_fits = *optional || matches!(ty, Ty::Optional(_));
                        if !nil_fits && self.choose(4) == 0 {
                            continue;
                        }
                        out.push_str(&format!(", f{i} = {}", self.make(ty, true)));
                    } else if !*optional || self.choose(2) == 0 {
                        out.push_str(&format!(", f{i} = {}", self.make(ty, false)));
                    }
                }
                out + "}"
            }
            Ty::Tagged(members) => {
                let which = self.choose(members.len());
                // What fails inside a union is the union.
                let mut inner = Maker { choices: self.choices, path: String::new() };
                let value = inner.make(&members[which], wrong);
                self.choices = inner.choices;
                format!("{{tag = {which}, value = {value}}}")
            }
            _ if wrong => WRONG.into(),
            Ty::Number(least) => format!("{}", (least + self.choose(5) as i64) as f64 + 0.5),
            Ty::Integer => format!("{}", self.choose(9)),
            Ty::Text(least) => format!("('x'):rep({})", least + self.choose(300)),
            Ty::Boolean => ["true", "false"][self.choose(2)].into(),
            Ty::Literal => ["'on'", "'off'", "3", "3.0"][self.choose(4)].into(),
        }
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
        let mut maker = Maker { choices: &choices, path: String::new() };
        let value = maker.make(&ty, false);
        run(&format!(
            "type T = {}\nlocal v = {value}\nlocal got, err = T:is(v)\nassert(rawequal(got, v) and err == nil, tostring(err))\n\
             assert(T(v) == v)\nlocal again = load(string.dump(function() return T end))()\n\
             assert(again == T and again <= T and select(2, again:is(v)) == nil)",
            ty.source()
        ));
    }

    #[test]
    fn the_one_wrong_place_is_found(ty in ty(), choices in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut maker = Maker { choices: &choices, path: String::new() };
        let value = maker.make(&ty, true);
        let path = maker.path;
        run(&format!(
            "type T = {}\nlocal got, err = T:is({value})\nassert(got == nil and err:kind() == 'Invalid')\n\
             local field = err:details().field or ''\nassert(field == '{path}', field .. ' instead of {path}: ' .. tostring(err))\n\
             assert(err:message():find(field, 1, true))",
            ty.source()
        ));
    }
}
