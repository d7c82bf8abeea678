//! Programs from bytes: each byte chooses an alternative of a small grammar of Lua, so that changing a byte changes one
//! place of the program. Bytes that ran out choose the shortest alternative; so every input ends.

use crate::Setup;
use std::fmt::Write;

/// A program and how it is to run.
pub struct Program {
    pub text: String,
    pub setup: Setup,
}

const MAX_DEPTH: u32 = 12;
const MAX_TEXT: usize = 24 << 10;

const NAMES: [&str; 12] = ["a", "b", "c", "f", "g", "t", "u", "co", "X", "Y", "F", "T"];
const TABLES: [&str; 4] = ["t", "u", "T", "_ENV"];
const FIELDS: [&str; 8] = ["x", "y", "n", "__index", "insert", "sub", "a", "f"];
const BINARY: [&str; 21] = [
    "+", "-", "*", "/", "//", "%", "^", "..", "==", "~=", "<", "<=", ">", ">=", "and", "or", "&", "|", "~", "<<", ">>",
];
const UNARY: [&str; 4] = ["- ", "not ", "#", "~"];
const NUMBERS: [&str; 20] = [
    "0", "1", "2", "3", "-1", "0.5", "1e308", "-0.0", "7", "100", "math.huge", "(0/0)", "math.mininteger", "math.maxinteger",
    "2^53", "0x10", "255", "256", "1e15", "3.0",
];
const STRINGS: [&str; 18] = [
    "\"\"", "\"a\"", "\"x\"", "\"10\"", "\"0x1p4\"", "'hello world'", "'%d+'", "'(.)(.)'", "'%s %d %q'", "'[^%s]*'", "'%b()'",
    "'%f[%w]%w+'", "'k'", "'n'", "('ab'):rep(200)", "'\\0\\255'", "'<i4 z s1'", "'__gc'",
];
const EVENTS: [&str; 23] = [
    "__index", "__newindex", "__call", "__add", "__sub", "__mul", "__div", "__mod", "__pow", "__unm", "__idiv", "__band", "__shl",
    "__bnot", "__concat", "__len", "__eq", "__lt", "__le", "__gc", "__tostring", "__pairs", "__name",
];
/// Library functions with the number of arguments that makes most sense.
const CALLS: [(&str, u8); 84] = [
    ("tostring", 1), ("tonumber", 1), ("tonumber", 2), ("type", 1), ("select", 3), ("rawget", 2), ("rawset", 3), ("rawlen", 1),
    ("rawequal", 2), ("next", 2), ("pairs", 1), ("ipairs", 1), ("getmetatable", 1), ("setmetatable", 2), ("error", 1), ("error", 2),
    ("assert", 2), ("pcall", 2), ("pcall", 1), ("xpcall", 3), ("collectgarbage", 0), ("load", 1), ("load", 4), ("print", 2),
    ("string.rep", 2), ("string.rep", 3), ("string.sub", 3), ("string.byte", 3), ("string.char", 2), ("string.format", 3),
    ("string.find", 2), ("string.find", 4), ("string.match", 2), ("string.gsub", 3), ("string.gsub", 4), ("string.gmatch", 2),
    ("string.len", 1), ("string.lower", 1), ("string.upper", 1), ("string.reverse", 1), ("string.dump", 2), ("string.pack", 3),
    ("string.unpack", 3), ("string.packsize", 1), ("table.insert", 2), ("table.insert", 3), ("table.remove", 1),
    ("table.remove", 2), ("table.concat", 2), ("table.concat", 4), ("table.unpack", 3), ("table.pack", 3), ("table.sort", 1),
    ("table.sort", 2), ("table.move", 4), ("table.move", 5), ("math.floor", 1), ("math.tointeger", 1), ("math.max", 2),
    ("math.fmod", 2), ("math.random", 2), ("math.type", 1), ("math.ult", 2), ("math.sqrt", 1), ("utf8.char", 2), ("utf8.codepoint", 3),
    ("utf8.len", 1), ("utf8.offset", 2), ("coroutine.create", 1), ("coroutine.wrap", 1), ("coroutine.resume", 2),
    ("coroutine.yield", 2), ("coroutine.status", 1), ("coroutine.isyieldable", 0), ("coroutine.running", 0),
    ("debug.getinfo", 1), ("debug.getlocal", 2), ("debug.setlocal", 3), ("debug.getupvalue", 2), ("debug.setupvalue", 3),
    ("debug.upvalueid", 2), ("debug.upvaluejoin", 4), ("debug.traceback", 2), ("debug.setmetatable", 2),
];

/// The program that `bytes` stand for.
#[must_use]
pub fn program(bytes: &[u8]) -> Program {
    let mut g = Grammar { bytes, text: String::new(), depth: 0, loops: 0, labels: 0, vararg: vec![true] };
    let mode = g.byte();
    let slice = match mode >> 1 & 3 {
        0 => 40_000,
        1 => 1,
        2 => 7,
        _ => 400,
    };
    let _ = writeln!(
        g.text,
        "local a, b, c, f, g, t, u, co = 1, 'b', 2.5, function(...) return ... end, nil, {{1, 2, 3, x = 1}}, {{}}, nil\n\
         X, Y, F, T = 10, 'y', function(p) return p end, {{f = f, n = 2}}"
    );
    while !g.bytes.is_empty() && g.text.len() < MAX_TEXT {
        g.statement();
    }
    // Code behind an unconditional end is a syntax error: the end of the program has none.
    Program { text: g.text, setup: Setup { slice, forgiving: mode & 1 == 1 } }
}

/// One statement that `bytes` stand for; its variables are globals.
#[must_use]
pub fn statement(bytes: &[u8]) -> String {
    let mut g = Grammar { bytes, text: String::new(), depth: 0, loops: 0, labels: 0, vararg: vec![true] };
    g.statement();
    g.text
}

struct Grammar<'a> {
    bytes: &'a [u8],
    text: String,
    depth: u32,
    /// Loops around this place in the same function.
    loops: u32,
    labels: u32,
    /// For each function around this place, whether it has `...`.
    vararg: Vec<bool>,
}

impl Grammar<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        first
    }

    fn pick<'s>(&mut self, list: &[&'s str]) -> &'s str {
        list[usize::from(self.byte()) % list.len()]
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn deep(&self) -> bool {
        self.depth >= MAX_DEPTH || self.text.len() >= MAX_TEXT
    }

    fn block(&mut self) {
        self.depth += 1;
        let count = self.byte() % 4;
        for _ in 0..count {
            if self.deep() {
                break;
            }
            self.statement();
        }
        match self.byte() {
            250..=252 => {
                self.put("return ");
                self.list(3);
                self.put("\n");
            }
            248 | 249 => {
                self.put("return ");
                self.call();
                self.put("\n");
            }
            246 | 247 if self.loops > 0 => self.put("break\n"),
            _ => {}
        }
        self.depth -= 1;
    }

    fn looped_block(&mut self) {
        self.loops += 1;
        self.block();
        self.loops -= 1;
    }

    fn statement(&mut self) {
        let choice = self.byte() % 26;
        if self.deep() {
            return self.put("a = a\n");
        }
        match choice {
            0 => {
                self.target();
                self.put(" = ");
                self.expr();
            }
            1 => {
                let name = self.pick(&NAMES);
                self.put("local ");
                self.put(name);
                self.put(" = ");
                self.expr();
            }
            2 => {
                self.target();
                self.put(", ");
                self.target();
                self.put(" = ");
                self.list(3);
            }
            3 | 4 => self.call(),
            5 => {
                self.put("if ");
                self.expr();
                self.put(" then\n");
                self.block();
                if self.byte() % 3 == 0 {
                    self.put("elseif ");
                    self.expr();
                    self.put(" then\n");
                    self.block();
                }
                if self.byte() % 2 == 0 {
                    self.put("else\n");
                    self.block();
                }
                self.put("end");
            }
            6 => {
                let (name, to, step) = (self.pick(&NAMES), self.byte() % 24, self.pick(&["1", "2", "-1", "0.5", "c"]));
                let _ = writeln!(self.text, "for {name} = 1, {to}, {step} do");
                self.looped_block();
                self.put("end");
            }
            7 => {
                self.put("do local n = 0 while ");
                self.expr();
                self.put(" do n = n + 1 if n > 9 then break end\n");
                self.looped_block();
                self.put("end end");
            }
            8 => {
                self.put("do local n = 0 repeat n = n + 1 local a = n\n");
                self.looped_block_without_end();
                self.put("until n > 5 or ");
                self.expr();
                self.put(" end");
            }
            9 => {
                let (k, v) = (self.pick(&NAMES), self.pick(&NAMES));
                let _ = write!(self.text, "for {k}, {v} in ");
                match self.byte() % 6 {
                    0 => self.put("pairs(t)"),
                    1 => self.put("ipairs(u)"),
                    2 => self.put("string.gmatch('a b c d', '(%w) (%w)')"),
                    3 => {
                        self.put("coroutine.wrap(function(...)\n");
                        self.function_body(true);
                        self.put(" coroutine.yield(1, 2) end)");
                    }
                    4 => {
                        self.put("next, ");
                        self.expr();
                    }
                    _ => {
                        self.put("pairs(");
                        self.expr();
                        self.put(")");
                    }
                }
                self.put(" do\n");
                self.looped_block();
                self.put("end");
            }
            10 => {
                let name = self.pick(&["function f", "local function g", "function F", "function t.f", "function T:n", "function u.x"]);
                self.put(name);
                self.function();
            }
            11 => {
                self.labels += 1;
                let label = self.labels;
                let _ = writeln!(self.text, "do local i = 0 ::L{label}:: i = i + 1");
                self.text.push_str("do\n");
                self.block();
                let _ = write!(self.text, "end if i < 4 then goto L{label} end end");
            }
            12 => {
                self.labels += 1;
                let label = self.labels;
                let _ = write!(self.text, "for i = 1, 4 do local h = function() return i end if ");
                self.expr();
                let _ = writeln!(self.text, " then goto C{label} end do");
                self.looped_block();
                let _ = write!(self.text, "end f = h ::C{label}:: end");
            }
            13 | 14 => {
                let target = self.pick(&NAMES);
                let _ = writeln!(self.text, "do local ok, m = pcall(function(...)");
                self.function_body(true);
                let _ = write!(self.text, "end, a, b) {target} = m end");
            }
            15 => {
                self.put("xpcall(function()\n");
                self.function_body(false);
                self.put("end, ");
                self.expr();
                self.put(")");
            }
            16 | 17 => {
                self.put("setmetatable(");
                let table = self.pick(&TABLES[..3]);
                self.put(table);
                self.put(", {");
                for _ in 0..self.byte() % 4 {
                    let event = self.pick(&EVENTS);
                    self.put(event);
                    self.put(" = ");
                    self.expr();
                    self.put(", ");
                }
                match self.byte() % 6 {
                    0 => self.put("__mode = 'k'"),
                    1 => self.put("__mode = 'v'"),
                    2 => self.put("__mode = 'kv'"),
                    _ => {}
                }
                self.put("})");
            }
            18 => {
                self.put("co = coroutine.create(function(...)\n");
                self.function_body(true);
                self.put("a = coroutine.yield(a, b)\n");
                self.function_body(true);
                self.put("end)");
            }
            19 => {
                let target = self.pick(&NAMES);
                let _ = write!(self.text, "do local ok, m = coroutine.resume(co, ");
                self.expr();
                let _ = write!(self.text, ") {target} = m end");
            }
            20 => {
                self.put("coroutine.yield(");
                self.list(2);
                self.put(")");
            }
            21 => {
                let what = self.pick(&["'collect'", "'step'", "'count'", "'stop'", "'restart'", "'isrunning'", "'setpause', 50"]);
                let _ = write!(self.text, "collectgarbage({what})");
            }
            22 => {
                self.put("do local code = string.dump(function(...)\n");
                self.function_body(true);
                self.put("end) a = load(code, 'd', 'b', ");
                self.expr();
                self.put(") pcall(a) end");
            }
            23 => {
                let (mask, count) = (self.pick(&["'c'", "'r'", "'l'", "'crl'", "''"]), self.byte() % 4);
                self.put("debug.sethook(");
                self.expr();
                let _ = write!(self.text, ", {mask}, {count})");
            }
            24 => {
                let name = self.pick(&TABLES[..3]);
                let count = self.byte();
                let key = self.pick(&["i", "-i", "i * 2", "'k' .. i", "i / 2", "{}", "i << 40"]);
                let _ = write!(self.text, "for i = 1, {count} do {name}[{key}] = ");
                self.expr();
                self.put(" end");
            }
            _ => {
                self.put("do\n");
                self.block();
                self.put("end");
            }
        }
        self.put("\n");
    }

    /// A `repeat` body whose locals the condition sees may not end in `return` or `break`.
    fn looped_block_without_end(&mut self) {
        self.put("do\n");
        self.looped_block();
        self.put("end\n");
    }

    fn function(&mut self) {
        let vararg = self.byte() % 2 == 0;
        self.put(if vararg { "(p, ...)\n" } else { "(a, p)\n" });
        self.function_body(vararg);
        self.put("end");
    }

    fn function_body(&mut self, vararg: bool) {
        let loops = std::mem::take(&mut self.loops);
        self.vararg.push(vararg);
        self.put("do\n");
        self.block();
        self.put("end\n");
        self.vararg.pop();
        self.loops = loops;
    }

    fn target(&mut self) {
        match self.byte() % 4 {
            0 | 1 => {
                let name = self.pick(&NAMES);
                self.put(name);
            }
            2 => {
                let (table, field) = (self.pick(&TABLES), self.pick(&FIELDS));
                let _ = write!(self.text, "{table}.{field}");
            }
            _ => {
                let table = self.pick(&TABLES[..3]);
                self.put(table);
                self.put("[");
                self.expr();
                self.put("]");
            }
        }
    }

    fn list(&mut self, most: u8) {
        let count = self.byte() % most + 1;
        for i in 0..count {
            if i > 0 {
                self.put(", ");
            }
            self.expr();
        }
    }

    fn call(&mut self) {
        self.depth += 1;
        let choice = self.byte();
        match choice % 8 {
            0..=4 => {
                let (name, count) = CALLS[usize::from(self.byte()) % CALLS.len()];
                self.put(name);
                self.put("(");
                for i in 0..count {
                    if i > 0 {
                        self.put(", ");
                    }
                    self.expr();
                }
            }
            5 => {
                let name = self.pick(&NAMES);
                self.put(name);
                self.put("(");
                self.list(4);
            }
            6 => {
                let (table, field) = (self.pick(&NAMES), self.pick(&FIELDS));
                let _ = write!(self.text, "{table}:{field}(");
                self.list(2);
            }
            _ => {
                let (table, field) = (self.pick(&TABLES), self.pick(&FIELDS));
                let _ = write!(self.text, "{table}.{field}(");
                self.list(3);
            }
        }
        self.put(")");
        self.depth -= 1;
    }

    fn expr(&mut self) {
        let choice = self.byte() % 20;
        if self.deep() {
            return self.put("a");
        }
        self.depth += 1;
        match choice {
            0..=4 => {
                let name = self.pick(&NAMES);
                self.put(name);
            }
            5 | 6 => {
                let number = self.pick(&NUMBERS);
                self.put(number);
            }
            7 | 8 => {
                let string = self.pick(&STRINGS);
                self.put(string);
            }
            9 => {
                let word = self.pick(&["nil", "true", "false"]);
                self.put(word);
            }
            10 | 11 => {
                self.put("(");
                self.expr();
                let op = self.pick(&BINARY);
                let _ = write!(self.text, " {op} ");
                self.expr();
                self.put(")");
            }
            12 => {
                let op = self.pick(&UNARY);
                self.put("(");
                self.put(op);
                self.expr();
                self.put(")");
            }
            13 => {
                self.put("function");
                self.function();
            }
            14 => {
                self.put("{");
                for _ in 0..self.byte() % 5 {
                    match self.byte() % 3 {
                        0 => {
                            let field = self.pick(&FIELDS);
                            self.put(field);
                            self.put(" = ");
                        }
                        1 => {
                            self.put("[");
                            self.expr();
                            self.put("] = ");
                        }
                        _ => {}
                    }
                    self.expr();
                    self.put(", ");
                }
                let vararg = self.vararg.last().is_some_and(|&vararg| vararg);
                self.put(if vararg { "...}" } else { "f(a)}" });
            }
            15 => {
                let (table, field) = (self.pick(&TABLES), self.pick(&FIELDS));
                let _ = write!(self.text, "{table}.{field}");
            }
            16 => {
                let table = self.pick(&TABLES[..3]);
                self.put(table);
                self.put("[");
                self.expr();
                self.put("]");
            }
            17 => {
                let vararg = self.vararg.last().is_some_and(|&vararg| vararg);
                self.put(if vararg { "..." } else { "a" });
            }
            _ => self.call(),
        }
        self.depth -= 1;
    }
}
