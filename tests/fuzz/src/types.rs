//! Chunks full of types from bytes: each byte chooses an alternative of the type grammar; bytes that ran out choose the shortest.

use std::fmt::Write;

const MAX_DEPTH: u32 = 10;
const MAX_TEXT: usize = 8 << 10;

const LEAVES: [&str; 32] = [
    "nil", "boolean", "number", "integer", "string", "any", "unknown", "never", "table", "error", "Self", "fun", "true", "false",
    "'a'", "'kind'", "3", "-1.5", "A", "B", "C", "D", "T", "G", "lib.A", "process.Message", "Missing", "Channel", "{}", "bool", "int",
    "time.Time",
];
const ANNOTATIONS: [&str; 10] = [
    "@min(0)", "@max(9)", "@min_len(1)", "@max_len(2.5)", "@pattern('^a+$')", "@pattern('(')", "@pattern(1)", "@min", "@other('x', nil)",
    "@min(-1e308)",
];
const FIELDS: [&str; 6] = ["a", "b", "kind", "type", "is", "name"];
const VALUES: [&str; 14] = [
    "nil", "true", "1", "1.5", "'a'", "''", "print", "{}", "{1, 2, 'a'}", "{a = 1, b = {a = 'a'}}", "loop", "A", "{kind = 'kind', a = {}}",
    "{{}, {{}}, a = {{a = 1}}}",
];

/// The chunk that `bytes` stand for.
#[must_use]
pub fn chunk(bytes: &[u8]) -> String {
    let mut g = Grammar { bytes, text: String::new(), depth: 0 };
    g.put("local lib = require and nil\nlocal loop = {} loop.a = loop loop.kind = 'kind' loop[1] = loop\n");
    for name in ["A", "B", "C", "D"] {
        let _ = write!(g.text, "type {name} = ");
        g.ty();
        g.put("\n");
    }
    for generic in ["G<T>", "H<T: A, U>"] {
        let _ = write!(g.text, "type {generic} = ");
        g.ty();
        g.put("\n");
    }
    g.put("local v: ");
    g.ty();
    g.put(" = nil\ntype W = typeof(v)\n");
    g.put("local all = {A, B, C, D, G, H, W, G(A), G(G(string)), H(number, B), typeof({a = v, b = 'x'})}\n");
    let _ = writeln!(g.text, "local values = {{n = {}, {}}}", VALUES.len(), VALUES.join(", "));
    g.put(
        "for _, t in pairs(all) do
  local names = {tostring(t), t:kind(), t:name(), t:elem(), t:key(), t:val(), t:inner(), t:ret(), t.a, t.kind}
  for _, iterator in pairs({t:fields() or t:variants() or t:params() or t:tparams()}) do
    for x, y in iterator do assert(type(x) == 'type' or type(x) == 'string') end
  end
  for i = 1, values.n do
    local v, err = t:is(values[i])
    assert(rawequal(v, values[i]) or err)
    assert(not err or err:kind() == 'Invalid' and #err:message() > 0)
    local ok = pcall(t, values[i])
    assert(type(values[i]) == 'type' or ok == (err == nil))
    assert(pcall(function() local w = t(values[i]) assert(rawequal(w, v)) end) == ok or type(values[i]) == 'type')
  end
  for _, u in pairs(all) do assert((t == u) == (u == t) and type(t <= u) == 'boolean' and type(t < u) == 'boolean') end
end\n",
    );
    g.text
}

struct Grammar<'a> {
    bytes: &'a [u8],
    text: String,
    depth: u32,
}

impl Grammar<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        first
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn pick<'s>(&mut self, list: &[&'s str]) -> &'s str {
        list[usize::from(self.byte()) % list.len()]
    }

    fn list(&mut self, separator: &str) {
        for i in 0..=self.byte() % 3 {
            if i > 0 {
                self.put(separator);
            }
            self.ty();
        }
    }

    fn fields(&mut self) {
        for i in 0..=self.byte() % 3 {
            if i > 0 {
                self.put(", ");
            }
            let name = self.pick(&FIELDS);
            self.put(name);
            let optional = self.byte() % 3 == 1;
            self.put(if optional { "?: " } else { ": " });
            self.ty();
        }
    }

    /// A type that may stand anywhere: in parentheses where it has to.
    fn ty(&mut self) {
        self.depth += 1;
        let choice = if self.depth > MAX_DEPTH || self.text.len() > MAX_TEXT { 0 } else { self.byte() % 18 };
        let around = |g: &mut Self, before: &str, after: &str| {
            g.put(before);
            g.ty();
            g.put(after);
        };
        match choice {
            0 | 1 => {
                let leaf = self.pick(&LEAVES);
                self.put(leaf);
            }
            2 => around(self, "(", ")?"),
            3 => around(self, "{", "}"),
            4 => around(self, "(", ")[]"),
            5 => {
                around(self, "{[", "]: ");
                self.ty();
                self.put("}");
            }
            6 | 7 => {
                self.put("{");
                self.fields();
                self.put("}");
            }
            8 => {
                self.put("(");
                self.list(" | ");
                self.put(")");
            }
            9 => {
                self.put("(");
                self.list(" & ");
                self.put(")");
            }
            10 => {
                around(self, "(", " ");
                let annotation = self.pick(&ANNOTATIONS);
                self.put(annotation);
                self.put(")");
            }
            11 => {
                self.put("((x: ");
                self.list(", y: ");
                around(self, ", ...", ") -> (");
                self.list(", ");
                self.put("))");
            }
            12 => {
                self.put("G<");
                self.ty();
                self.put(">");
            }
            13 => {
                self.put("H<");
                self.list(", ");
                self.put(">");
            }
            14 => around(self, "keyof(", ")"),
            15 => around(self, "(", ")['a']"),
            16 => {
                around(self, "(", " extends ");
                around(self, "", " ? ");
                around(self, "", " : ");
                around(self, "", ")");
            }
            _ => {
                self.put("interface {");
                self.fields();
                self.put("}");
            }
        }
        self.depth -= 1;
    }
}
