//! Syntax tree to bytecode, in one pass over the tree.
//!
//! 1. Code is generated as the reference does it, so that order of evaluation, line numbers, debug names and limits are
//!    the same; only the instruction set differs.
//! 2. `cursor` is the end of the token the reference would have read last. Lines come from it.
//! 3. A long text is compiled piece by piece while it is parsed (`syntax::parse_pieces`), so that its tree is never there as a
//!    whole: the main function stays open between two pieces. Short ones are a single piece.
//! 4. Work is linear in the size of the source, and the depth of recursion is the depth of nesting.

mod desc;
mod discharge;
#[cfg(test)]
mod dump_tests;
mod earlier;
mod emit;
mod error;
mod expr;
#[cfg(test)]
mod expr_tests;
mod fold;
mod func;
mod jump;
mod label;
mod operator;
mod position;
mod scope;
mod stmt;
#[cfg(test)]
mod stmt_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod type_tests;
mod types;
#[cfg(test)]
mod verify_tests;

use crate::bytecode::{Instr, Op, Proto, Text, UpvalDesc};
use crate::diag::Span;
use crate::limits::SOURCE_PIECE;
use crate::syntax::ast::{Chunk, Expr, Function, Symbol};
use crate::syntax::token::soft;
use crate::syntax::{SyntaxError, parse_pieces};
use crate::turns::{self, Share};
use bumpalo::Bump;
use error::Res;
use func::Func;
use hashbrown::HashMap;
use position::Source;
use std::sync::Arc;

/// Compiles a parsed chunk to its main function. `source_text` is the text it was parsed from.
pub fn compile(chunk: &Chunk<'_>, source_text: &[u8], chunk_name: Arc<[u8]>) -> Result<Proto, SyntaxError> {
    let mut compiler = Compiler::new(source_text, chunk_name);
    compiler.look_at(chunk.names, source_text);
    compiler.begin(chunk);
    compiler.statements(chunk.block).and_then(|()| compiler.end(chunk)).map_err(|e| *e)
}

/// Compiles a source text.
///
/// # Errors
/// The first error of the text.
pub fn compile_text(source_text: &[u8], chunk_name: &Arc<[u8]>) -> Result<Proto, SyntaxError> {
    let compiled = compile_pieces(source_text, chunk_name, SOURCE_PIECE).and_then(|made| match made {
        Some(proto) => Ok(proto),
        None => {
            let arena = Bump::new();
            let chunk = crate::syntax::parse(source_text, &arena)?;
            compile(&chunk, source_text, chunk_name.clone())
        }
    });
    // Neither trees nor names are left.
    turns::hold(Share::Read, 0);
    compiled.map_err(|error| earlier::first_error(source_text, chunk_name, error))
}

/// Compiles a source text as it is parsed, in pieces of more than `size` bytes; `None` if its parts need each other.
///
/// # Errors
/// The first error of the text.
pub fn compile_pieces(
    source_text: &[u8],
    chunk_name: &Arc<[u8]>,
    size: u32,
) -> Result<Option<Proto>, SyntaxError> {
    let mut pieces = Pieces { source_text, chunk_name, paused: None };
    let mut main = None;
    let complete = parse_pieces(source_text, size, &mut |chunk, is_last| {
        let mut compiler = pieces.add(chunk)?;
        if is_last {
            main = Some(compiler.end(chunk)?);
        } else {
            pieces.paused = Some(compiler.pause());
        }
        Ok(())
    })?;
    Ok(main.filter(|_| complete))
}

/// A main function that is compiled piece by piece.
struct Pieces<'s> {
    source_text: &'s [u8],
    chunk_name: &'s Arc<[u8]>,
    /// Between two pieces.
    paused: Option<Compiler<'static>>,
}

impl<'s> Pieces<'s> {
    /// Compiles the statements of the next piece.
    fn add<'a>(&mut self, chunk: &Chunk<'a>) -> Res<Compiler<'a>>
    where
        's: 'a,
    {
        let is_first = self.paused.is_none();
        let mut compiler: Compiler<'a> = match self.paused.take() {
            Some(compiler) => compiler,
            None => Compiler::new(self.source_text, self.chunk_name.clone()),
        };
        compiler.look_at(chunk.names, self.source_text);
        if is_first {
            compiler.begin(chunk);
        }
        compiler.types.wants_locals = chunk.has_typeof;
        compiler.statements(chunk.block)?;
        Ok(compiler)
    }
}

/// The symbol of `_ENV`.
const ENV: Symbol = Symbol(soft::ENV);

struct Compiler<'a> {
    names: &'a [&'a [u8]],
    source: Source<'a>,
    chunk_name: Arc<[u8]>,
    /// The function being compiled.
    f: Box<Func>,
    /// The functions around it, outermost first. Boxed, so that the recursion moves pointers and its frames stay small.
    #[allow(clippy::vec_box)]
    outer: Vec<Box<Func>>,
    /// Functions that are finished: their memory serves the next ones.
    #[allow(clippy::vec_box)]
    spare: Vec<Box<Func>>,
    /// Where the origins of a function's instructions are packed.
    packed: Vec<u8>,
    /// Functions begun so far.
    functions: u32,
    /// Memory of finished functions and of the texts that are shared.
    made: usize,
    /// Names as constants and debug information share them, by symbol, once they are needed.
    shared_names: Vec<Option<Text>>,
    /// Where a name was last among the constants: function and index, by symbol.
    name_consts: Vec<(u32, u32)>,
    /// Active variables by name, see `scope`.
    bindings: scope::Bindings,
    /// Labels of open blocks, by block identity and name.
    labels: HashMap<(u32, Symbol), label::Label, foldhash::fast::FixedState>,
    label_blocks: u32,
    /// Left spines under way, see `expr`.
    spine: Vec<&'a Expr<'a>>,
    /// End of the last token read.
    cursor: u32,
    types: types::Types,
    /// The next expression is assigned to.
    is_target: bool,
}

impl<'a> Compiler<'a> {
    fn new(source_text: &'a [u8], chunk_name: Arc<[u8]>) -> Self {
        Self {
            names: &[],
            source: Source::new(source_text),
            chunk_name,
            f: Box::new(Func::new(0, 0, true)),
            outer: Vec::new(),
            spare: Vec::new(),
            packed: Vec::new(),
            functions: 1,
            made: 0,
            shared_names: Vec::new(),
            name_consts: Vec::new(),
            bindings: scope::Bindings::default(),
            labels: HashMap::default(),
            label_blocks: 0,
            spine: Vec::new(),
            cursor: 0,
            types: types::Types::default(),
            is_target: false,
        }
    }

    /// What the next tree refers to.
    fn look_at(&mut self, names: &'a [&'a [u8]], source_text: &'a [u8]) {
        self.names = names;
        self.source.text = source_text;
        self.shared_names.resize(names.len(), None);
        self.name_consts.resize(names.len(), (u32::MAX, 0));
        self.bindings.resize(names.len());
    }

    /// Everything that does not depend on the tree compiled so far.
    fn pause(self) -> Compiler<'static> {
        Compiler {
            names: &[],
            source: self.source.pause(),
            chunk_name: self.chunk_name,
            f: self.f,
            outer: self.outer,
            spare: self.spare,
            packed: self.packed,
            functions: self.functions,
            made: self.made,
            shared_names: self.shared_names,
            name_consts: self.name_consts,
            bindings: self.bindings,
            labels: self.labels,
            label_blocks: self.label_blocks,
            spine: Vec::new(),
            cursor: self.cursor,
            types: self.types,
            is_target: self.is_target,
        }
    }

    fn name(&self, sym: Symbol) -> &'a [u8] {
        self.names[sym.0 as usize]
    }

    /// A name for a prototype to keep.
    fn shared_name(&mut self, sym: Symbol) -> Text {
        let bytes = self.name(sym);
        let made = &mut self.made;
        let name = self.shared_names[sym.0 as usize].get_or_insert_with(|| {
            let text = Text::from(bytes);
            *made += text.size();
            text
        });
        name.clone()
    }

    /// So much has been done; tells what memory it takes, too.
    #[cold]
    #[inline(never)]
    fn pace(&mut self, steps: usize) {
        let under_way = |functions: &[Box<Func>]| functions.iter().map(|f| f.bytes()).sum::<usize>();
        let names = self.shared_names.capacity() * size_of::<Option<Text>>()
            + self.name_consts.capacity() * size_of::<(u32, u32)>()
            + self.bindings.bytes();
        let bytes = self.made + self.f.bytes() + under_way(&self.outer) + under_way(&self.spare) + names;
        // The lexer sees whether it is too much.
        turns::hold(Share::Made, bytes);
        turns::step(steps);
    }

    /// Line of the last token read.
    fn line(&mut self) -> u32 {
        self.source.line(self.cursor.saturating_sub(1))
    }

    /// Opens the main function. The tree is its first piece, or all of it.
    fn begin(&mut self, chunk: &Chunk<'a>) {
        self.types.wants_locals = chunk.has_typeof;
        let name = self.shared_name(ENV);
        self.f.upvals.push(UpvalDesc { in_stack: true, index: 0, name });
        self.f.upval_syms.push(ENV);
        self.enter_block(Some(chunk.block), false, false);
    }

    /// Finishes the main function, whose last piece has been compiled.
    fn end(&mut self, chunk: &Chunk<'a>) -> Res<Proto> {
        let end = Span::new(chunk.block.span.end, chunk.block.span.end);
        self.end_function(end)?;
        // For moments there is both what it was made in and what it becomes, a third smaller.
        turns::hold(Share::Made, self.made + self.f.bytes() * 5 / 3);
        let mut main = self.f.finish(self.chunk_name.clone(), &mut self.packed);
        turns::hold(Share::Made, self.made + main.bytes());
        if let Some(types) = self.type_pool() {
            share_types(&mut main, &types);
            main.types = Some(types);
        }
        Ok(main)
    }

    /// Compiles a function and gives its index among the prototypes of the enclosing one.
    fn function_body(&mut self, func: &'a Function<'a>, line: u32) -> Res<usize> {
        let serial = self.functions;
        self.functions += 1;
        let inner = match self.spare.pop() {
            Some(mut spare) => {
                spare.reset(serial, line, func.is_vararg);
                spare
            }
            None => Box::new(Func::new(serial, line, func.is_vararg)),
        };
        let enclosing = std::mem::replace(&mut self.f, inner);
        self.outer.push(enclosing);
        self.enter_block(Some(func.body), false, false);
        for param in func.params {
            if param.name.span != Span::default() {
                self.cursor = param.name.span.end;
            }
            let known = param.ty.map(|ty| self.known_type(ty));
            self.declare_name(param.name.sym)?;
            self.note(known);
        }
        let params = func.params.len();
        self.activate(params);
        self.f.num_params = params as u8;
        self.reserve(params)?;
        self.statements(func.body)?;
        self.f.last_line_defined = self.source.line(func.end.start);
        self.cursor = func.end.end;
        self.end_function(func.end)?;
        let proto = self.f.finish(self.chunk_name.clone(), &mut self.packed);
        let enclosing = self.outer.pop().expect("pushed above");
        self.spare.push(std::mem::replace(&mut self.f, enclosing));
        self.made += proto.bytes();
        self.f.protos.push(proto);
        Ok(self.f.protos.len() - 1)
    }

    /// The return at the end of every function, and what could only be known there.
    fn end_function(&mut self, end: Span) -> Res<()> {
        self.code(Instr::abc(Op::Return0, 0, 0, 0, 0), end);
        self.leave_block(end);
        if let Some(message) = self.f.lost_goto.take() {
            return Err(self.error_at(self.cursor, message.into()));
        }
        self.finish_gotos();
        if self.f.captures {
            self.close_on_return();
        }
        Ok(())
    }

    /// Makes every way out of the function close upvalues.
    fn close_on_return(&mut self) {
        for i in &mut self.f.code {
            *i = match i.op() {
                Some(Op::Return0) => Instr::abc(Op::Return, 1, 0, 1, 0),
                Some(Op::Return1) => Instr::abc(Op::Return, 1, i.a(), 2, 0),
                Some(Op::Return | Op::TailCall) => i.with_h(1),
                _ => continue,
            };
        }
    }
}

/// Gives the chunk's types to the functions that name one.
fn share_types(proto: &mut Proto, types: &Arc<crate::bytecode::types::TypePool>) {
    for inner in &mut proto.protos {
        if inner.code.iter().any(|i| i.op() == Some(Op::GetType)) {
            inner.types = Some(Arc::clone(types));
        }
        share_types(inner, types);
    }
}
