//! Types as text, as messages and `tostring` show them.

use crate::bytecode::types::{Field, Type, TypeId, TypeRef};
use crate::limits::{MAX_TYPE_DEPTH, MAX_TYPE_TEXT};
use crate::numfmt::{float_text, integer_text};

/// How tightly the place of a type binds: parts of tighter places need parentheses around looser types.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Any,
    /// A member of a union or intersection.
    Member,
    /// Before `?` or `[]`.
    Suffixed,
}

struct Text {
    out: Vec<u8>,
    /// The text is long enough to be cut off.
    full: bool,
    depth: usize,
}

/// The text of a type: the name of a named one. Very long texts are cut off.
#[must_use]
pub fn text(ty: &TypeRef) -> Vec<u8> {
    let mut text = Text { out: Vec::new(), full: false, depth: 0 };
    text.ty(ty, Place::Any);
    if text.full {
        text.out.truncate(MAX_TYPE_TEXT);
        text.out.extend_from_slice("…".as_bytes());
    }
    text.out
}

/// A string literal, quoted.
fn quoted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0 => out.extend_from_slice(b"\\0"),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

impl Text {
    fn put(&mut self, bytes: &[u8]) {
        if self.full {
            return;
        }
        self.out.extend_from_slice(bytes);
        self.full = self.out.len() > MAX_TYPE_TEXT;
    }

    fn list(&mut self, ty: &TypeRef, ids: &[TypeId], separator: &[u8], place: Place) {
        for (i, &id) in ids.iter().enumerate() {
            if self.full {
                return;
            }
            if i > 0 {
                self.put(separator);
            }
            self.ty(&ty.part(id), place);
        }
    }

    fn fields(&mut self, ty: &TypeRef, fields: &[Field]) {
        self.put(b"{");
        for (i, field) in fields.iter().enumerate() {
            if self.full {
                return;
            }
            if i > 0 {
                self.put(b", ");
            }
            self.put(&field.name);
            self.put(if field.optional { b"?: " } else { b": " });
            self.ty(&ty.part(field.ty), Place::Any);
        }
        self.put(b"}");
    }

    fn args(&mut self, ty: &TypeRef, args: &[TypeId]) {
        if !args.is_empty() {
            self.put(b"<");
            self.list(ty, args, b", ", Place::Any);
            self.put(b">");
        }
    }

    fn ty(&mut self, ty: &TypeRef, place: Place) {
        // What validators restrict is no part of the name of a type.
        if let Type::Annotated(inner, _) = ty.node() {
            return self.ty(&ty.part(*inner), place);
        }
        if self.full {
            return;
        }
        if self.depth >= MAX_TYPE_DEPTH {
            return self.put("…".as_bytes());
        }
        self.depth += 1;
        let loosest = match ty.node() {
            Type::Union(_) | Type::Intersection(_) | Type::Conditional(_) => Place::Any,
            Type::Function(_) | Type::Readonly(_) => Place::Member,
            _ => Place::Suffixed,
        };
        let grouped = place > loosest;
        if grouped {
            self.put(b"(");
        }
        self.plain(ty);
        if grouped {
            self.put(b")");
        }
        self.depth -= 1;
    }

    fn plain(&mut self, ty: &TypeRef) {
        match ty.node() {
            Type::Primitive(primitive) => self.put(primitive.name().as_bytes()),
            Type::Bool(b) => self.put(if *b { b"true" } else { b"false" }),
            Type::IntegerLiteral(i) => self.put(&integer_text(*i)),
            Type::FloatLiteral(f) => self.put(&float_text(*f)),
            Type::StringLiteral(s) => {
                let mut text = Vec::new();
                quoted(&mut text, &s[..s.len().min(MAX_TYPE_TEXT)]);
                self.put(&text);
            }
            Type::Param(i) => self.put(format!("T{i}").as_bytes()),
            Type::Alias(alias) => {
                self.put(&ty.pool.aliases()[*alias as usize].name);
                if let Some(args) = &ty.args {
                    self.put(b"<");
                    for (i, arg) in args.iter().enumerate() {
                        if self.full {
                            return;
                        }
                        if i > 0 {
                            self.put(b", ");
                        }
                        self.ty(arg, Place::Any);
                    }
                    self.put(b">");
                }
            }
            Type::Apply(alias, args) => {
                self.put(&ty.pool.aliases()[*alias as usize].name);
                self.args(ty, args);
            }
            Type::Imported(module, name, args) => {
                self.put(module);
                self.put(b".");
                self.put(name);
                self.args(ty, args);
            }
            Type::Unresolved(name) => self.put(name),
            Type::Channel(item) => {
                self.put(b"Channel");
                self.args(ty, item.as_slice());
            }
            Type::Optional(inner) => {
                self.ty(&ty.part(*inner), Place::Suffixed);
                self.put(b"?");
            }
            Type::Array(item) => {
                self.ty(&ty.part(*item), Place::Suffixed);
                self.put(b"[]");
            }
            Type::Map(key, value) => {
                self.put(b"{[");
                self.ty(&ty.part(*key), Place::Any);
                self.put(b"]: ");
                self.ty(&ty.part(*value), Place::Any);
                self.put(b"}");
            }
            Type::Readonly(inner) => {
                self.put(b"readonly ");
                self.ty(&ty.part(*inner), Place::Suffixed);
            }
            Type::Keyof(of) => {
                self.put(b"keyof(");
                self.ty(&ty.part(*of), Place::Any);
                self.put(b")");
            }
            Type::Indexed(object, key) => {
                self.ty(&ty.part(*object), Place::Suffixed);
                self.put(b"[");
                self.ty(&ty.part(*key), Place::Any);
                self.put(b"]");
            }
            Type::Union(members) => self.list(ty, members, b" | ", Place::Member),
            Type::Intersection(members) => self.list(ty, members, b" & ", Place::Member),
            Type::Tuple(items) => {
                self.put(b"(");
                self.list(ty, items, b", ", Place::Any);
                self.put(b")");
            }
            Type::Record(fields) => self.fields(ty, fields),
            Type::Interface(bases, fields) => {
                self.put(b"interface ");
                for &base in bases {
                    if self.full {
                        return;
                    }
                    self.ty(&ty.part(base), Place::Member);
                    self.put(b" & ");
                }
                self.fields(ty, fields);
            }
            Type::Function(_) => self.function(ty),
            Type::Annotated(inner, _) => self.ty(&ty.part(*inner), Place::Any),
            Type::Conditional([subject, extends, then, otherwise]) => {
                for (id, after) in
                    [(subject, &b" extends "[..]), (extends, b" ? "), (then, b" : "), (otherwise, b"")]
                {
                    self.ty(&ty.part(*id), Place::Member);
                    self.put(after);
                }
            }
        }
    }

    fn function(&mut self, ty: &TypeRef) {
        let Type::Function(signature) = ty.node() else { return };
        self.put(b"fun(");
        for (i, (name, param)) in signature.params.iter().enumerate() {
            if self.full {
                return;
            }
            if i > 0 {
                self.put(b", ");
            }
            if let Some(name) = name {
                self.put(name);
                self.put(b": ");
            }
            self.ty(&ty.part(*param), Place::Any);
        }
        if let Some(vararg) = signature.vararg {
            self.put(if signature.params.is_empty() { b"..." } else { b", ..." });
            self.ty(&ty.part(vararg), Place::Any);
        }
        self.put(b")");
        match signature.returns.as_deref() {
            None => {}
            Some([one]) => {
                self.put(b" -> ");
                self.ty(&ty.part(*one), Place::Any);
            }
            Some(list) => {
                self.put(b" -> (");
                self.list(ty, list, b", ", Place::Any);
                self.put(b")");
            }
        }
    }
}
