//! The parser against the reference's messages, the forms of the type syntax, tree shapes, ranges and limits.

use bumpalo::Bump;

use super::ast::{Block, Chunk, Expr, ExprKind, Returns, StatKind, TableItem, Type, TypeKind};
use super::{parse, parse_pieces};
use crate::diag::Span;

mod wrong;

#[test]
fn messages_of_the_reference() {
    let arena = Bump::new();
    let mut bad = Vec::new();
    for (source, message, line) in wrong::WRONG {
        match parse(source.as_bytes(), &arena) {
            Ok(_) => bad.push(format!("{source:?} parses")),
            Err(error) if error.message != *message || error.line != *line => {
                bad.push(format!("{source:?}: {error}, not {line}: {}", String::from_utf8_lossy(message)));
            }
            Err(_) => {}
        }
    }
    assert!(wrong::WRONG.len() >= 250);
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// A text parsed in the smallest pieces has the same first error, wherever the pieces would have ended.
#[test]
fn pieces_have_the_same_errors() {
    for (wrong, ..) in wrong::WRONG {
        for source in
            [wrong.to_string(), format!("local a\n{wrong}"), format!("local a {wrong} local b = 1 do end")]
        {
            let whole = parse(source.as_bytes(), &Bump::new()).err();
            match parse_pieces(source.as_bytes(), 0, &mut |_, _| Ok(())) {
                Ok(false) => {}
                Ok(true) => assert_eq!(whole, None, "{source}"),
                Err(error) => assert_eq!(Some(error), whole, "{source}"),
            }
        }
    }
}

/// A piece may begin with a name: a data file is no whole of assignments.
#[test]
fn names_begin_pieces() {
    let source = "a = 1 b = {} c = 's' d.e = f g(h) i = j.k l, m = ... n = -o p:q() r = true s = ''t = 1";
    let mut pieces = 0;
    let count = &mut |_: &Chunk<'_>, _| {
        pieces += 1;
        Ok(())
    };
    assert!(parse_pieces(source.as_bytes(), 0, count).expect("a program"));
    // `n` follows dots, which do not tell whether they end the vararg expression or join two strings.
    assert_eq!(pieces, 11);
}

/// Prints a tree with explicit structure, to compare shapes.
struct Dump<'a> {
    chunk: Chunk<'a>,
    source: &'a [u8],
}

impl Dump<'_> {
    fn text(&self, span: Span) -> String {
        String::from_utf8_lossy(&self.source[span.start as usize..span.end as usize]).into_owned()
    }

    fn list<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
        items.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    fn exprs(&self, exprs: &[Expr<'_>]) -> String {
        Self::list(exprs, |expr| self.expr(expr))
    }

    fn block(&self, block: &Block<'_>) -> String {
        let stats = block.stats.iter().map(|stat| match stat.kind {
            StatKind::Call(call) => self.expr(call),
            StatKind::Local { names, exprs } => {
                let names = Self::list(names, |name| {
                    let ty = name.ty.map(|ty| format!(":{}", self.ty(ty))).unwrap_or_default();
                    self.text(name.name.span) + &ty
                });
                format!("local {names} = {}", self.exprs(exprs))
            }
            StatKind::Assign { targets, exprs } => format!("{} = {}", self.exprs(targets), self.exprs(exprs)),
            StatKind::Function { target, func } => {
                let params = Self::list(func.params, |param| {
                    let sym = param.name.sym.0 as usize;
                    String::from_utf8_lossy(self.chunk.names[sym]).into_owned()
                });
                format!("function {}({params})", self.expr(target))
            }
            StatKind::Return(exprs) => format!("return {}", self.exprs(exprs)),
            StatKind::TypeAlias(alias) => {
                format!("type {} = {}", self.text(alias.name.span), self.ty(&alias.ty))
            }
            _ => format!("<{}>", self.text(stat.span)),
        });
        stats.collect::<Vec<_>>().join("; ")
    }

    fn expr(&self, expr: &Expr<'_>) -> String {
        match expr.kind {
            ExprKind::Index((object, key)) => format!("{}[{}]", self.expr(object), self.expr(key)),
            ExprKind::Field((object, name)) => format!("{}.{}", self.expr(object), self.text(name.span)),
            ExprKind::Call(call) => format!("{}({})", self.expr(&call.func), self.exprs(call.args)),
            ExprKind::MethodCall(call) => {
                format!(
                    "{}:{}({})",
                    self.expr(&call.object),
                    self.text(call.method.span),
                    self.exprs(call.args)
                )
            }
            ExprKind::Paren(inner) => format!("({})", self.expr(inner)),
            ExprKind::Unary(op, operand) => format!("<{op:?} {}>", self.expr(operand)),
            ExprKind::Binary(op, node) => {
                format!("<{op:?} {} {}>", self.expr(&node.left), self.expr(&node.right))
            }
            ExprKind::Cast((inner, ty)) => format!("<as {} {}>", self.expr(inner), self.ty(ty)),
            ExprKind::NonNil(inner) => format!("<! {}>", self.expr(inner)),
            ExprKind::Table(items) => {
                let items = Self::list(items, |item| match item {
                    TableItem::Positional(value) => self.expr(value),
                    TableItem::Named(name, value) => format!("{}={}", self.text(name.span), self.expr(value)),
                    TableItem::Keyed(key, value) => format!("[{}]={}", self.expr(key), self.expr(value)),
                });
                format!("{{{items}}}")
            }
            ExprKind::Function(func) => {
                let returns = match func.returns {
                    None => String::new(),
                    Some(Returns::List(list)) => format!(":({})", Self::list(list, |ty| self.ty(ty))),
                    Some(Returns::Asserts(name, ty)) => {
                        let ty = ty.map(|ty| self.ty(ty)).unwrap_or_default();
                        format!(":asserts {} {ty}", self.text(name.span))
                    }
                };
                format!("function{returns}{{{}}}", self.block(func.body))
            }
            _ => self.text(expr.span),
        }
    }

    fn ty(&self, ty: &Type<'_>) -> String {
        match ty.kind {
            TypeKind::Named(named) if !named.args.is_empty() => {
                format!("{}<{}>", self.text(named.name.name.span), Self::list(named.args, |ty| self.ty(ty)))
            }
            TypeKind::Array(inner) => format!("array({})", self.ty(inner)),
            TypeKind::Map((key, value)) => format!("map({} {})", self.ty(key), self.ty(value)),
            TypeKind::Record(record) | TypeKind::Interface(record) => {
                let fields = Self::list(record.fields, |field| {
                    format!(
                        "{}{}{}",
                        self.text(field.name.span),
                        if field.optional { "?:" } else { ":" },
                        self.ty(&field.ty)
                    )
                });
                format!("{{{fields}}}")
            }
            TypeKind::Readonly(inner) => format!("readonly({})", self.ty(inner)),
            TypeKind::Function(func) => {
                let params = Self::list(func.params, |param| match param.name {
                    Some(name) => format!("{}:{}", self.text(name.span), self.ty(&param.ty)),
                    None => self.ty(&param.ty),
                });
                let vararg = func.vararg.map(|ty| format!(" ...{}", self.ty(ty))).unwrap_or_default();
                let returns =
                    func.returns.map_or("none".to_owned(), |list| Self::list(list, |ty| self.ty(ty)));
                format!("fn({params}{vararg})->({returns})")
            }
            TypeKind::AnyFunction => "anyfn".to_owned(),
            TypeKind::Typeof(expr) => format!("typeof({})", self.expr(expr)),
            TypeKind::Keyof(inner) => format!("keyof({})", self.ty(inner)),
            TypeKind::Optional(inner) => format!("opt({})", self.ty(inner)),
            TypeKind::ArrayOf(inner) => format!("{}[]", self.ty(inner)),
            TypeKind::Indexed((object, key)) => format!("{}[{}]", self.ty(object), self.ty(key)),
            TypeKind::Annotated(node) => {
                format!("{}@{}/{}", self.ty(&node.ty), self.text(node.name.span), node.args.len())
            }
            TypeKind::Union((left, right)) => format!("({}|{})", self.ty(left), self.ty(right)),
            TypeKind::Intersection((left, right)) => format!("({}&{})", self.ty(left), self.ty(right)),
            TypeKind::Conditional(node) => format!(
                "if({} {} {} {})",
                self.ty(&node.subject),
                self.ty(&node.extends),
                self.ty(&node.then),
                self.ty(&node.otherwise)
            ),
            _ => self.text(ty.span),
        }
    }
}

#[track_caller]
fn shape(source: &str) -> String {
    let arena = Bump::new();
    match parse(source.as_bytes(), &arena) {
        Ok(chunk) => Dump { chunk, source: source.as_bytes() }.block(chunk.block),
        Err(error) => panic!("{source}\n{error}"),
    }
}

#[track_caller]
fn shapes(table: &[(&str, &str)]) {
    for (source, expected) in table {
        assert_eq!(shape(source), *expected, "{source}");
    }
}

#[test]
fn operators_fold_by_priority() {
    shapes(&[
        ("return a + b * c", "return <Add a <Mul b c>>"),
        ("return a * b + c", "return <Add <Mul a b> c>"),
        ("return a - b - c", "return <Sub <Sub a b> c>"),
        ("return a .. b .. c", "return <Concat a <Concat b c>>"),
        ("return a ^ b ^ c", "return <Pow a <Pow b c>>"),
        ("return -a ^ b", "return <Neg <Pow a b>>"),
        ("return a ^ -b ^ c", "return <Pow a <Neg <Pow b c>>>"),
        ("return not a == b", "return <Eq <Not a> b>"),
        (
            "return a or b and c < d | e ~ f & g << h .. i + j * k ^ l",
            "return <Or a <And b <Lt c <BOr d <BXor e <BAnd f <Shl g <Concat h <Add i <Mul j <Pow k l>>>>>>>>>>>",
        ),
        ("return a >> b > c", "return <Gt <Shr a b> c>"),
        ("return a + (b - c) * f(d .. e)", "return <Add a <Mul (<Sub b c>) f(<Concat d e>)>>"),
        ("return - -a, ~~b, ~a ~ b", "return <Neg <Neg a>> <BNot <BNot b>> <BXor <BNot a> b>"),
        ("return a and b or c and d", "return <Or <And a b> <And c d>>"),
        ("return #a // 2 % 3 / 4", "return <Div <Mod <IDiv <Len a> 2> 3> 4>"),
    ]);
}

#[test]
fn a_call_continues_over_lines() {
    shapes(&[
        ("f\n(g)()", "f(g)()"),
        ("x = 1 (g)()", "x = 1; (g)()"),
        ("x = f (g)()", "x = f(g)()"),
        ("local q (g)()", "local q = ; (g)()"),
        ("x = \"s\" (\"x\"):rep(2)", "x = \"s\"; (\"x\"):rep(2)"),
        ("f(); (g)()", "f(); (g)()"),
        ("f() (g)()", "f()(g)()"),
        ("x = {} (g)()", "x = {}; (g)()"),
        ("(a).b = c (d)()", "(a).b = c(d)()"),
        ("f{1}'a'[[b]]", "f({1})('a')([[b]])"),
        ("a.b[c]:d(e, f).g = 1", "a.b[c]:d(e f).g = 1"),
    ]);
}

#[test]
fn casts_and_assertions() {
    shapes(&[
        ("return a + b as T", "return <Add a <as b T>>"),
        ("return -x as T", "return <Neg <as x T>>"),
        ("return x as A | B", "return <as x (A|B)>"),
        ("return x as A + y", "return <Add <as x A> y>"),
        ("return (v :: any) :: string", "return <as (<as v any>) string>"),
        ("return (v as T).f, (x!):m(), f(x!)", "return (<as v T>).f (<! x>):m() f(<! x>)"),
        ("return x! + y!! as T", "return <Add <! x> <as <! y> T>>"),
        ("return msg:payload():data() :: string", "return <as msg:payload():data() string>"),
        ("return x as Box<Box<number>>, y", "return <as x Box<Box<number>>> y"),
        ("return x as T, y as {T}?", "return <as x T> <as y opt(array(T))>"),
        ("x = y\nas = 2", "x = y; as = 2"),
        ("x = 1 as = 2", "x = 1; as = 2"),
        ("x = y\nas(1)", "x = y; as(1)"),
        ("x = y\nas T", "x = <as y T>"),
        ("do end as(T)", "<do end>; as(T)"),
        ("local x as(1)", "local x = ; as(1)"),
        ("x = function() end as T", "x = <as function{} T>"),
        ("f = function(a) as(1) end", "f = function{as(1)}"),
        ("x = y ::l:: z()", "x = y; <::l::>; z()"),
    ]);
}

#[test]
fn soft_words_stay_names() {
    shapes(&[
        ("type(x) type = 1 t.type = type", "type(x); type = 1; t.type = type"),
        ("x = type\ny = 1", "x = type; y = 1"),
        ("x = interface\ny = function() end", "x = interface; y = function{}"),
        ("local a, type\nb = 1", "local a type = ; b = 1"),
        ("x = {type = 1, as = 2, is = 3, readonly = 4}", "x = {type=1 as=2 is=3 readonly=4}"),
        ("x:is(v) m.as() x:typeof(y)", "x:is(v); m.as(); x:typeof(y)"),
        ("function M:is() end", "function M.is(self)"),
        ("function M:typeof(x) end", "function M.typeof(self x)"),
        ("local typeof\n(f)()", "local typeof = ; (f)()"),
        ("x = typeof(e) keyof(e) fun(e)", "x = typeof(e); keyof(e); fun(e)"),
        ("x = readonly {1}", "x = readonly({1})"),
        ("readonly = fun extends = asserts", "readonly = fun; extends = asserts"),
        ("for type, as in is do end", "<for type, as in is do end>"),
        ("goto type\nx = 1 ::type::", "<goto type>; x = 1; <::type::>"),
        ("local fun, keyof, asserts, is = 1, 2, 3, 4", "local fun keyof asserts is = 1 2 3 4"),
        ("f = function(type, as, readonly) end", "f = function{}"),
    ]);
}

#[test]
fn types() {
    shapes(&[
        ("type A = string @min_len(3)", "type A = string@min_len/1"),
        ("type A = \"r\" | \"w\" | 2 | -1 | true | nil", "type A = (((((\"r\"|\"w\")|2)|-1)|true)|nil)"),
        ("type A = | B | C", "type A = (B|C)"),
        ("type A = B | C?", "type A = (B|opt(C))"),
        (
            "type A = {id: Id, mode?: Mode, t? : T, meta: {[string]: any}?, }",
            "type A = {id:Id mode?:Mode t?:T meta:opt(map(string any))}",
        ),
        ("type A = readonly {string}?", "type A = opt(readonly(array(string)))"),
        ("type A<T> = { value: T, kids: {A<T>} }", "type A = {value:T kids:array(A<T>)}"),
        (
            "type H = (job: Job, ...any) -> (boolean, string?)",
            "type H = fn(job:Job ...any)->(boolean opt(string))",
        ),
        ("type H = () -> A | B", "type H = fn()->((A|B))"),
        ("type H = (() -> A) | B", "type H = (fn()->(A)|B)"),
        ("type H = A | (B) -> C", "type H = (A|fn(B)->(C))"),
        ("type H = (A, b: B, C, ...D) -> ()", "type H = fn(A b:B C ...D)->()"),
        ("type H = (A, B) -> (C) -> D", "type H = fn(A B)->(fn(C)->(D))"),
        ("type H = (A, ...B) -> ((x: A) -> B)?", "type H = fn(A ...B)->(opt(fn(x:A)->(B)))"),
        ("type F = fun", "type F = anyfn"),
        ("type F = fun(a: A, B): (C, D)", "type F = fn(a:A B)->(C D)"),
        ("type F = fun(A) | nil", "type F = (fn(A)->(none)|nil)"),
        ("type K = keyof(T)[\"a\"][]", "type K = keyof(T)[\"a\"][]"),
        ("type K = typeof(a.b[c])", "type K = typeof(a.b[c])"),
        ("type C = A extends B ? X : Y", "type C = if(A B X Y)"),
        ("type C = A extends B? ? X? : Y", "type C = if(A opt(B) opt(X) Y)"),
        ("type C = A extends B ? (X) -> Z : Y", "type C = if(A B fn(X)->(Z) Y)"),
        ("type C = A extends B ? X : C extends D ? E : F", "type C = if(A B X if(C D E F))"),
        ("type I = interface { f: T, type: string }", "type I = {f:T type:string}"),
        ("type I = Channel<process.Message>", "type I = Channel<process.Message>"),
        ("type T = A & B | C", "type T = ((A&B)|C)"),
        ("type R = {}", "type R = {}"),
        ("local hook: (() -> ())? = nil", "local hook:opt(fn()->()) = nil"),
        ("local n: number, err = f()", "local n:number err = f()"),
        ("local xs: {number @min(0)} @max_len(9) = {1, 2}", "local xs:array(number@min/1)@max_len/1 = {1 2}"),
        ("local x: string @min_len(2)?\n(f)()", "local x:opt(string@min_len/1) = ; (f)()"),
        ("x = function(): () end", "x = function:(){}"),
        ("x = function(): (A, B) end", "x = function:(A B){}"),
        ("x = function(): A, B end", "x = function:(A B){}"),
        ("x = function(): (A)? end", "x = function:(opt((A))){}"),
        ("x = function(): (A) -> B end", "x = function:(fn(A)->(B)){}"),
        ("x = function(v): asserts v is T end", "x = function:asserts v T{}"),
        ("x = function(v): asserts v end", "x = function:asserts v {}"),
        (
            "x = function<K, V: {id: K}>(m: {[K]: V}, ...: V): {V} return {} end",
            "x = function:(array(V)){return {}}",
        ),
        (
            "interface P: a.B, C function f(x: T, y): R function g() end x = 1",
            "<interface P: a.B, C function f(x: T, y): R function g() end>; x = 1",
        ),
        ("interface P end", "<interface P end>"),
        // `>=` is no operator where no expression can be.
        ("local b: Box<number>= c", "local b:Box<number> = c"),
        (
            "x = 1 local a, b: {Box<Box<number>>}, c: B<C>= d >= e, f",
            "x = 1; local a b:array(Box<Box<number>>) c:B<C> = <Ge d e> f",
        ),
        ("local b: Box<Box<number>>= c", "local b:Box<Box<number>> = c"),
        ("x = 1 type Box<T>= {v: T}", "x = 1; type Box = {v:T}"),
        ("x = a < b local c: T if d >= e then end", "x = <Lt a b>; local c:T = ; <if d >= e then end>"),
        ("x = y as Box<T> >= z", "x = <Ge <as y Box<T>> z>"),
    ]);
}

#[test]
fn conditional_types() {
    shapes(&[
        ("type C = A extends B ? (C) : (D)", "type C = if(A B (C) (D))"),
        ("type C = A extends B ? (C) -> D? : E", "type C = if(A B fn(C)->(opt(D)) E)"),
        ("type C = A extends B ? C | D? : E?", "type C = if(A B (C|opt(D)) opt(E))"),
        ("type C = A extends B ? C? ? : D", "type C = if(A B opt(opt(C)) D)"),
        ("type C = A extends B? | C ? D : E", "type C = if(A (opt(B)|C) D E)"),
        ("type C = A extends B ? | C | D : & E", "type C = if(A B (C|D) & E)"),
        ("type C = A extends (B extends C ? A : D) ? B : C", "type C = if(A if(B C A D) B C)"),
        ("type C = A extends B ? A extends C ? D : E : F", "type C = if(A B if(A C D E) F)"),
        ("type C = A extends Box<B extends C ? D : E> ? F : G", "type C = if(A Box<if(B C D E)> F G)"),
        ("type C = A extends B ? {x?: C, y ? : D} : E", "type C = if(A B {x?:C y?:D} E)"),
        ("type C = {x: A extends B ? C : D, y?: E}", "type C = {x:if(A B C D) y?:E}"),
        ("type C = A extends () -> B ? C : D", "type C = if(A fn()->(B) C D)"),
        ("type C = A extends fun(x: B): C ? D : E", "type C = if(A fn(x:B)->(C) D E)"),
        ("type C = A extends B ? fun(x: C): D : E", "type C = if(A B fn(x:C)->(D) E)"),
        ("type C = A extends B ? fun(x: C) : D", "type C = if(A B fn(x:C)->(none) D)"),
        ("type C = A extends B ? fun(): (C, D) : E", "type C = if(A B fn()->(C D) E)"),
        ("type C = A extends B ? fun() : fun(): C", "type C = if(A B fn()->(fn()->(none)) C)"),
        ("type C = A extends B ? D extends E ? fun() : F : G", "type C = if(A B if(D E fn()->(none) F) G)"),
        ("type C = A extends B ? D extends E ? fun(): F : G : H", "type C = if(A B if(D E fn()->(F) G) H)"),
        ("type C = A extends B ? fun() : D extends E ? F : G", "type C = if(A B fn()->(none) if(D E F G))"),
        ("type C = A extends B ? fun(A extends B ? C : D): E : F", "type C = if(A B fn(if(A B C D))->(E) F)"),
        ("type C = A\n  extends B\n  ? C\n  : D x:y()", "type C = if(A B C D); x:y()"),
        ("type C = A\n  extends (B) ? C : D", "type C = if(A (B) C D)"),
        ("type C = A extends\n  {B} ? 'c' : D\n(f)()", "type C = if(A array(B) 'c' D); (f)()"),
        ("local x: A extends 'b' ? C : D = 1", "local x:if(A 'b' C D) = 1"),
        ("return x as | A, y as & B", "return <as x | A> <as y & B>"),
    ]);
    shapes(&[
        ("x = y extends(1) local z: A?\nw = 2", "x = y; extends(1); local z:opt(A) = ; w = 2"),
        ("f() extends{1} g() extends'a'", "f(); extends({1}); g(); extends('a')"),
        ("local x: A\nextends(B)\ny = 1", "local x:A = ; extends(B); y = 1"),
    ]);
}

#[test]
fn what_is_not_part_of_the_type_syntax() {
    let arena = Bump::new();
    for source in [
        "for i: number = 1, 2 do end",
        "x: number = 1",
        "local x <const> = 1",
        "f = function(p?: T) end",
        "f<T>(x)",
        "1 @@ 2",
        "x = a as T as U",
        "type A = B |",
        "type A = {f: T g: U}",
        "type A = ()",
        "type A = (B, C)",
    ] {
        assert!(parse(source.as_bytes(), &arena).is_err(), "{source}");
    }
}

#[test]
fn ranges_are_exact() {
    let arena = Bump::new();
    let source =
        b"local  function  f ( a ) return a + g( 1 ) . h end ; x = { [ 1 ] = - 2 } function a.b : c ( ) end";
    let chunk = parse(source, &arena).unwrap();
    let text = |span: Span| std::str::from_utf8(&source[span.start as usize..span.end as usize]).unwrap();
    let stats = chunk.block.stats;
    assert_eq!(text(stats[0].span), "local  function  f ( a ) return a + g( 1 ) . h end");
    let StatKind::LocalFunction { name, func } = stats[0].kind else { panic!() };
    assert_eq!((text(name.span), text(func.end)), ("f", "end"));
    assert_eq!(text(func.span), "function  f ( a ) return a + g( 1 ) . h end");
    assert_eq!(text(func.body.span), "return a + g( 1 ) . h ");
    let StatKind::Return([sum]) = func.body.stats[0].kind else { panic!() };
    assert_eq!(text(sum.span), "a + g( 1 ) . h");
    let ExprKind::Binary(_, node) = sum.kind else { panic!() };
    assert_eq!((text(node.right.span), source[node.at as usize]), ("g( 1 ) . h", b'+'));
    assert_eq!(text(stats[1].span), "x = { [ 1 ] = - 2 }");
    let StatKind::Function { target, func } = stats[2].kind else { panic!() };
    assert_eq!(text(target.span), "a.b : c");
    assert_eq!(text(func.params[0].name.span), ":");
    assert!(func.is_method);
    assert_eq!(chunk.names[func.params[0].name.sym.0 as usize], b"self");
    assert_eq!(func.body.span, Span::new(func.end.start, func.end.start));
    assert_eq!(chunk.block.span, Span::new(0, source.len() as u32));
}

#[test]
fn levels_are_counted_as_in_the_reference() {
    let arena = Bump::new();
    // The number of repetitions at which the reference refuses, and where.
    for (start, part, refused, near) in [
        ("x=", "(", 197, "main function near <eof>"),
        ("x=", "{", 197, "main function near <eof>"),
        ("x=", "- ", 197, "main function near <eof>"),
        ("x=", "a..", 197, "main function near <eof>"),
        ("x=", "a^", 197, "main function near <eof>"),
        ("x=", "f(", 197, "main function near <eof>"),
        ("f", "(f", 198, "main function near 'f'"),
        ("", "do ", 199, "main function near 'do'"),
        ("", "while x do ", 198, "main function near 'x'"),
        ("", "if x then ", 198, "main function near 'x'"),
        ("", "repeat ", 199, "main function near 'repeat'"),
        ("", "function f() ", 199, "function at line 1 near 'function'"),
        ("x=", "function() x= ", 99, "function at line 1 near 'x'"),
        ("", "return function() ", 100, "function at line 1 near 'return'"),
    ] {
        for count in [refused - 1, refused, 100_000] {
            let error = parse(arena.alloc_str(&(start.to_owned() + &part.repeat(count))).as_bytes(), &arena)
                .unwrap_err();
            let message = String::from_utf8_lossy(&error.message).into_owned();
            assert_eq!(
                message.starts_with("too many C levels (limit is 200)"),
                count >= refused,
                "{part} {message}"
            );
            if count == refused {
                assert_eq!(message, format!("too many C levels (limit is 200) in {near}"));
            }
        }
    }
}

#[test]
fn long_chains_are_no_nesting() {
    let arena = Bump::new();
    for (start, part, end) in [
        ("x = a", " + a", ""),
        ("f", "()", ""),
        ("x = a", ".b", ""),
        ("x = a", "!", ""),
        ("if a then", " elseif a then", " end"),
        ("x = {", "1,", "}"),
        ("type A = B", " | B", ""),
        ("", "a=1;", ""),
    ] {
        let source = [start, &part.repeat(20_000), end].concat();
        assert!(parse(source.as_bytes(), &arena).is_ok(), "{part}");
    }
    for (start, part) in
        [("type A = B", "[]"), ("type A = ", "() -> "), ("type A = ", "readonly {"), ("local x: ", "A<")]
    {
        let source = start.to_owned() + &part.repeat(20_000);
        assert!(parse(source.as_bytes(), &arena).is_err(), "{part}");
    }
}

#[test]
fn literals() {
    let arena = Bump::new();
    let source = b"return '\\65\\x42\\z  \n C\\u{48}\\u{20AC}\\\r\n', [==[\r\na\r\nb]]\n\r]==], 0xffffffffffffffff, 9223372036854775808, 1 // 2";
    let chunk = parse(source, &arena).unwrap();
    let StatKind::Return([a, b, c, d, _]) = chunk.block.stats[0].kind else { panic!() };
    assert!(matches!(a.kind, ExprKind::String(text) if **text == *b"ABCH\xe2\x82\xac\n"));
    assert!(matches!(b.kind, ExprKind::String(text) if **text == *b"a\nb]]\n"));
    assert!(matches!(c.kind, ExprKind::Integer(-1)));
    assert!(matches!(d.kind, ExprKind::Float(value) if value == 9_223_372_036_854_775_808.0));
}

#[test]
fn errors_inside_types() {
    let arena = Bump::new();
    for (source, expected) in [
        ("type A = B |", "1: unexpected symbol near <eof>"),
        ("type A = B extends C", "1: unexpected symbol near <eof>"),
        ("type A = {f: T\ng: U}", "2: '}' expected (to close '{' at line 1) near 'g'"),
        ("local x: = 1", "1: unexpected symbol near '='"),
        ("local function f(a: ) end", "1: unexpected symbol near ')'"),
        ("interface I\nfunction f()\n", "3: 'end' expected (to close 'interface' at line 1) near <eof>"),
        ("type A = Box<number", "1: '>' expected near <eof>"),
        ("type 1 = x", "1: syntax error near '1'"),
    ] {
        let error = parse(source.as_bytes(), &arena).unwrap_err();
        assert_eq!(error.to_string(), expected, "{source}");
    }
}

#[test]
fn garbage_is_an_error() {
    let arena = Bump::new();
    let mut state = 1_u32;
    for _ in 0..300 {
        let bytes: Vec<u8> = (0..64)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        assert!(parse(arena.alloc_slice_copy(&bytes), &arena).is_err() || bytes.is_ascii());
    }
    assert!(parse(b"\x1bLua\x53\x00", &arena).is_err());
    assert!(parse(b"", &arena).is_ok());
}
