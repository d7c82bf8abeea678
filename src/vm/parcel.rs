//! Values on their way between two processes: a copy that belongs to nobody's heap.
//!
//! A [`Parcel`] is packed once from the sender's values and unpacked once into the receiver's heap. In between it is plain
//! bytes plus counted references to large strings, so it may be kept, moved to another thread or dropped anywhere.
//!
//! 1. Tables are numbered in the order in which they are found, breadth first, and written one after the other; a reference
//!    to one is its number. So neither side recurses, and cycles and shared sub-tables of one value survive. Numbers start
//!    over with every value of the parcel.
//! 2. The first reference to a table carries its sizes: the receiver makes it then and fills it when its turn comes.
//! 3. Program constants are passed by address (they are immortal), strings with a buffer of their own by reference, other
//!    strings by their bytes.
//! 4. Functions, coroutines and userdata do not travel: they arrive as nil, and as a field not at all. Error objects are plain
//!    data and do, without stack and context.
//! 5. The bytes of a parcel come from [`Parcel::pack`] only, so what `unpack` reads is well-formed.
#![allow(unsafe_op_in_unsafe_fn)]

use super::LuaError;
use super::error_object::ErrorObject;
use super::native::{Cx, LStr, Name, SharedBytes, Val};
use crate::heap::value::{put, tag};
use crate::heap::{Blob, Str, Table, Value, alloc};
use crate::limits::PARCEL_TABLES_SEARCHED;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// Bytes that a packed parcel keeps in itself: a few numbers and short strings need no second buffer.
const INLINE: usize = 32;

type Bytes = SmallVec<[u8; INLINE]>;

/// Marks of the encoded values.
mod mark {
    pub const NIL: u8 = 0;
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;
    /// Eight bytes.
    pub const INT: u8 = 3;
    /// Eight bytes: the bits.
    pub const FLOAT: u8 = 4;
    /// One byte of length and the bytes.
    pub const STRING: u8 = 5;
    /// Eight bytes: the address of an immortal string.
    pub const CONSTANT: u8 = 6;
    /// Four bytes: number of the shared buffer.
    pub const BLOB: u8 = 7;
    /// A table found for the first time: four bytes of array slots, four of fields.
    pub const NEW_TABLE: u8 = 8;
    /// Four bytes: number of a table found before.
    pub const TABLE: u8 = 9;
    /// Where a key would be: the table's fields are complete. A metatable reference, or nil, follows.
    pub const END: u8 = 10;
    /// One byte: an integer from 0 to 255.
    pub const SMALL_INT: u8 = 11;
    /// Four bytes: number of the error.
    pub const ERROR: u8 = 12;
}

/// Copied values between two processes. Moving one is cheap, and one number or constant takes no memory.
#[derive(Clone, Default)]
pub struct Parcel(Content);

#[derive(Clone, Default)]
enum Content {
    #[default]
    Empty,
    /// One value: most messages are no more.
    Plain(Plain),
    Packed(Box<Packed>),
}

/// A value that is complete in itself.
#[derive(Clone, Copy)]
struct Plain {
    word: u64,
    kind: PlainKind,
}

/// How to read the word of a [`Plain`]. A word itself: parcels are moved in whole words, which the processor can forward from
/// one move to the next.
#[derive(Clone, Copy)]
#[repr(u64)]
enum PlainKind {
    Nil,
    False,
    True,
    Int,
    Float,
    /// Address of an immortal string.
    Constant,
}

#[derive(Clone, Default)]
struct Packed {
    bytes: Bytes,
    values: u32,
    /// Most parcels have none.
    extras: Option<Box<Extras>>,
}

/// What a parcel shares with others.
#[derive(Clone, Default)]
struct Extras {
    list: Vec<Extra>,
    /// Bytes of all of them.
    bytes: usize,
}

/// What is passed beside the bytes.
#[derive(Clone)]
enum Extra {
    Blob(SharedBytes),
    Error(Arc<ErrorObject>),
}

impl Plain {
    /// The value, if it is complete in itself.
    #[inline]
    unsafe fn of(v: Value) -> Option<Self> {
        let kind = match v.tag {
            tag::NIL => PlainKind::Nil,
            tag::FALSE => PlainKind::False,
            tag::TRUE => PlainKind::True,
            tag::INT => PlainKind::Int,
            tag::FLOAT => PlainKind::Float,
            tag::STRING if alloc::is_immortal(v.as_str().cast()) => PlainKind::Constant,
            _ => return None,
        };
        Some(Self { word: v.payload, kind })
    }

    #[inline]
    fn value(self) -> Value {
        let tag = match self.kind {
            PlainKind::Nil => tag::NIL,
            PlainKind::False => tag::FALSE,
            PlainKind::True => tag::TRUE,
            PlainKind::Int => tag::INT,
            PlainKind::Float => tag::FLOAT,
            PlainKind::Constant => tag::STRING,
        };
        Value { payload: self.word, tag }
    }
}

impl Parcel {
    /// Copies values. Functions, coroutines and userdata are left out (see the file header).
    ///
    /// # Errors
    /// Memory.
    pub fn pack<'gc>(cx: &mut Cx<'gc>, values: impl IntoIterator<Item = Val<'gc>>) -> Result<Self, LuaError> {
        let mut values = values.into_iter();
        let Some(first) = values.next() else { return Ok(Self::default()) };
        let second = values.next();
        if second.is_none()
            && let Some(parcel) = Self::of_plain(first)
        {
            cx.charge(1);
            return Ok(parcel);
        }
        let mut packer = Packer::default();
        for v in [first].into_iter().chain(second).chain(values) {
            // SAFETY: values of 'gc and everything they lead to are live, and nothing changes them meanwhile.
            unsafe { packer.root(v.raw())? };
        }
        Ok(packer.done(cx))
    }

    /// Copies the arguments of the running function from `first` on.
    ///
    /// # Errors
    /// Memory.
    #[inline]
    pub fn of_arguments(cx: &mut Cx<'_>, first: usize) -> Result<Self, LuaError> {
        let top = cx.top();
        if top <= first {
            return Ok(Self::default());
        }
        if top == first + 1
            && let Some(parcel) = Self::of_plain(cx.arg(first))
        {
            cx.charge(1);
            return Ok(parcel);
        }
        let mut packer = Packer::default();
        for i in first..top {
            // SAFETY: as in `pack`.
            unsafe { packer.root(cx.arg(i).raw())? };
        }
        Ok(packer.done(cx))
    }

    /// One value, if it is a number, a boolean, nil or a program constant.
    #[inline]
    #[must_use]
    pub fn of_plain(v: Val<'_>) -> Option<Self> {
        // SAFETY: a live value.
        unsafe { Plain::of(v.raw()) }.map(|plain| Self(Content::Plain(plain)))
    }

    /// A parcel of strings, made by the runtime itself.
    #[must_use]
    pub fn of_strings<'a>(strings: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut packed = Packed::default();
        for s in strings {
            packed.put_string(s);
            packed.values += 1;
        }
        if packed.values == 0 { Self::default() } else { Self(Content::Packed(Box::new(packed))) }
    }

    /// Number of values, nils included.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Content::Empty => 0,
            Content::Plain(_) => 1,
            Content::Packed(packed) => packed.values as usize,
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.0, Content::Empty)
    }

    /// What the parcel costs its receiver while it waits: its own bytes, and those of the buffers it shares.
    #[must_use]
    pub fn cost(&self) -> usize {
        let Content::Packed(packed) = &self.0 else { return 0 };
        let spilled = if packed.bytes.spilled() { packed.bytes.capacity() } else { 0 };
        let extras = packed.extras.as_ref().map_or(0, |extras| {
            size_of::<Extras>() + extras.list.capacity() * size_of::<Extra>() + extras.bytes
        });
        size_of::<Packed>() + spilled + extras
    }

    /// Makes the first value in this process; nil if there is none.
    ///
    /// # Errors
    /// Memory.
    pub fn first<'gc>(&self, cx: &mut Cx<'gc>) -> Result<Val<'gc>, LuaError> {
        let v = match &self.0 {
            Content::Empty => return Ok(Val::NIL),
            Content::Plain(plain) => {
                cx.charge(1);
                plain.value()
            }
            Content::Packed(packed) => {
                // SAFETY: as in `unpack`.
                let v = unsafe { packed.unpacker().root(cx)? };
                cx.charge(packed.bytes.len() / 64 + 1);
                v
            }
        };
        Ok(Val::raw_new(v))
    }

    /// Makes the values in this process and hands them to `each`, in order. A parcel may be unpacked more than once.
    ///
    /// # Errors
    /// Memory; some values may have been handed over then.
    pub fn unpack<'gc>(
        &self,
        cx: &mut Cx<'gc>,
        mut each: impl FnMut(&mut Cx<'gc>, Val<'gc>) -> Result<(), LuaError>,
    ) -> Result<(), LuaError> {
        let Content::Packed(packed) = &self.0 else {
            return if self.is_empty() {
                Ok(())
            } else {
                let only = self.first(cx)?;
                each(cx, only)
            };
        };
        let mut unpacker = packed.unpacker();
        for _ in 0..packed.values {
            // SAFETY: nothing collects before the native function returns, and the bytes are well-formed (invariant 5).
            let v = unsafe { unpacker.root(cx)? };
            each(cx, Val::raw_new(v))?;
        }
        cx.charge(packed.bytes.len() / 64 + packed.values as usize);
        Ok(())
    }
}

impl Packed {
    fn put_int(&mut self, v: Value) {
        if let Ok(small) = u8::try_from(v.as_int()) {
            self.bytes.push(mark::SMALL_INT);
            self.bytes.push(small);
        } else {
            self.word(mark::INT, v.payload);
        }
    }

    fn word(&mut self, mark: u8, word: u64) {
        let mut piece = [mark; 9];
        piece[1..].copy_from_slice(&word.to_le_bytes());
        self.bytes.extend_from_slice(&piece);
    }

    fn unpacker(&self) -> Unpacker<'_> {
        let extras = self.extras.as_ref().map_or(&[][..], |extras| &extras.list);
        Unpacker { from: &self.bytes, extras, tables: Vec::new() }
    }
    fn put_string(&mut self, s: &[u8]) {
        if let Ok(len) = u8::try_from(s.len()) {
            self.bytes.push(mark::STRING);
            self.bytes.push(len);
            self.bytes.extend_from_slice(s);
        } else if let Some(shared) = SharedBytes::new(s) {
            self.put_blob(shared);
        } else {
            self.bytes.push(mark::NIL);
        }
    }

    fn put_blob(&mut self, shared: SharedBytes) {
        let bytes = shared.bytes().len();
        self.put_extra(mark::BLOB, Extra::Blob(shared), bytes);
    }

    fn put_error(&mut self, error: &ErrorObject) {
        self.put_extra(mark::ERROR, Extra::Error(Arc::new(error.carried())), error.bytes());
    }

    fn put_extra(&mut self, mark: u8, extra: Extra, bytes: usize) {
        let extras = self.extras.get_or_insert_default();
        self.bytes.push(mark);
        self.bytes.extend_from_slice(&(extras.list.len() as u32).to_le_bytes());
        extras.list.push(extra);
        extras.bytes += bytes;
    }
}

#[derive(Default)]
struct Packer {
    packed: Packed,
    /// Tables of the value being packed, by number.
    tables: Vec<*mut Table>,
    /// Their numbers, once there are too many to be searched one by one.
    numbers: HashMap<usize, u32, foldhash::fast::FixedState>,
}

impl Packer {
    fn done(self, cx: &mut Cx<'_>) -> Parcel {
        cx.charge(self.packed.bytes.len() / 64 + self.packed.values as usize);
        Parcel(Content::Packed(Box::new(self.packed)))
    }

    /// One more value of the parcel.
    unsafe fn root(&mut self, v: Value) -> Result<(), LuaError> {
        self.tables.clear();
        self.numbers.clear();
        self.packed.values += 1;
        self.value(v)?;
        let mut next = 0;
        while next < self.tables.len() {
            self.table(self.tables[next])?;
            next += 1;
        }
        Ok(())
    }

    /// Asks for room before a possibly large piece, so that want of memory is an error and not the end.
    fn room(&mut self, bytes: usize) -> Result<(), LuaError> {
        self.packed.bytes.try_reserve(bytes).map_err(|_| LuaError::memory())
    }

    /// The value, or nothing if it does not travel.
    unsafe fn copied(v: Value) -> Option<Value> {
        matches!(v.tag, tag::INT | tag::FLOAT | tag::FALSE | tag::TRUE | tag::STRING | tag::TABLE)
            .then_some(v)
    }

    unsafe fn value(&mut self, v: Value) -> Result<(), LuaError> {
        self.room(16)?;
        let out = &mut self.packed.bytes;
        match v.tag {
            tag::FALSE => out.push(mark::FALSE),
            tag::TRUE => out.push(mark::TRUE),
            tag::INT => self.packed.put_int(v),
            tag::FLOAT => self.packed.word(mark::FLOAT, v.payload),
            tag::STRING => self.string(v.as_str())?,
            tag::TABLE => self.reference(v.as_table())?,
            tag::USERDATA => match Val::raw_new(v).as_error() {
                Some(error) => self.packed.put_error(&error),
                None => self.packed.bytes.push(mark::NIL),
            },
            _ => out.push(mark::NIL),
        }
        Ok(())
    }

    unsafe fn string(&mut self, s: *mut Str) -> Result<(), LuaError> {
        if alloc::is_immortal(s.cast()) {
            self.packed.word(mark::CONSTANT, s as u64);
            return Ok(());
        }
        if let Some(blob) = Str::blob(s) {
            self.packed.put_blob(SharedBytes::retained(blob));
            return Ok(());
        }
        let bytes = Str::bytes(s);
        self.room(bytes.len() + 2)?;
        self.packed.put_string(bytes);
        Ok(())
    }

    fn number(&self, t: *mut Table) -> Option<u32> {
        if self.numbers.is_empty() {
            return self.tables.iter().position(|&known| known == t).map(|at| at as u32);
        }
        self.numbers.get(&(t as usize)).copied()
    }

    unsafe fn reference(&mut self, t: *mut Table) -> Result<(), LuaError> {
        let mut piece = [0; 9];
        if let Some(number) = self.number(t) {
            piece[0] = mark::TABLE;
            piece[1..5].copy_from_slice(&number.to_le_bytes());
            self.packed.bytes.extend_from_slice(&piece[..5]);
            return Ok(());
        }
        let number = u32::try_from(self.tables.len()).map_err(|_| LuaError::memory())?;
        self.tables.try_reserve(1).map_err(|_| LuaError::memory())?;
        self.tables.push(t);
        if self.tables.len() > PARCEL_TABLES_SEARCHED {
            if self.numbers.is_empty() {
                self.numbers = self.tables.iter().zip(0..).map(|(&t, n)| (t as usize, n)).collect();
            }
            self.numbers.try_reserve(1).map_err(|_| LuaError::memory())?;
            self.numbers.insert(t as usize, number);
        }
        let fields = (0..Table::node_count(t)).filter(|&i| !(*(*t).nodes.add(i)).has_no_value()).count();
        piece[0] = mark::NEW_TABLE;
        piece[1..5].copy_from_slice(&Self::array_len(t).to_le_bytes());
        piece[5..].copy_from_slice(&(fields as u32).to_le_bytes());
        self.packed.bytes.extend_from_slice(&piece);
        Ok(())
    }

    /// Length of the array part without nils at its end.
    unsafe fn array_len(t: *mut Table) -> u32 {
        let mut len = (*t).arr_len;
        while len > 0 && (*(*t).arr.add(len as usize - 1)).is_nil() {
            len -= 1;
        }
        len
    }

    unsafe fn table(&mut self, t: *mut Table) -> Result<(), LuaError> {
        let len = Self::array_len(t) as usize;
        for i in 0..len {
            self.value(*(*t).arr.add(i))?;
        }
        let mut at = (*t).arr_len as usize;
        while let Some((next, key, v)) = Table::next_at(t, at) {
            at = next;
            if let (Some(key), Some(v)) = (Self::copied(key), Self::copied(v)) {
                self.value(key)?;
                self.value(v)?;
            }
        }
        self.room(16)?;
        self.packed.bytes.push(mark::END);
        if (*t).meta.is_null() {
            self.packed.bytes.push(mark::NIL);
            return Ok(());
        }
        self.reference((*t).meta)
    }
}

struct Unpacker<'a> {
    from: &'a [u8],
    extras: &'a [Extra],
    /// Tables of the value being made, by number, with the length of their array part.
    tables: Vec<(*mut Table, u32)>,
}

impl Unpacker<'_> {
    unsafe fn root(&mut self, cx: &mut Cx<'_>) -> Result<Value, LuaError> {
        self.tables.clear();
        let v = self.value(cx)?;
        let mut next = 0;
        while next < self.tables.len() {
            let (t, len) = self.tables[next];
            self.table(cx, t, len)?;
            next += 1;
        }
        Ok(v)
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (piece, rest) = self.from.split_first_chunk::<N>().expect("a parcel ends with its last value");
        self.from = rest;
        *piece
    }

    fn index(&mut self) -> usize {
        u32::from_le_bytes(self.take()) as usize
    }

    unsafe fn value(&mut self, cx: &mut Cx<'_>) -> Result<Value, LuaError> {
        let [mark] = self.take();
        self.marked(cx, mark)
    }

    unsafe fn marked(&mut self, cx: &mut Cx<'_>, mark: u8) -> Result<Value, LuaError> {
        Ok(match mark {
            mark::FALSE => Value::FALSE,
            mark::TRUE => Value::TRUE,
            mark::SMALL_INT => {
                let [small] = self.take();
                Value::int(small.into())
            }
            mark::INT => Value::int(i64::from_le_bytes(self.take())),
            mark::FLOAT => Value::float(f64::from_bits(u64::from_le_bytes(self.take()))),
            mark::STRING => {
                let [len] = self.take();
                let (bytes, rest) = self.from.split_at(len.into());
                self.from = rest;
                Value::string(cx.vm_mut().heap.new_string(bytes)?)
            }
            mark::CONSTANT => Value::string(u64::from_le_bytes(self.take()) as *const Str),
            mark::BLOB => {
                let number = self.index();
                let Extra::Blob(shared) = &self.extras[number] else { return Ok(Value::NIL) };
                Value::string(cx.vm_mut().heap.adopt_blob(shared.retain())?)
            }
            mark::ERROR => {
                let number = self.index();
                let Extra::Error(error) = &self.extras[number] else { return Ok(Value::NIL) };
                cx.new_error((**error).clone())?.raw()
            }
            mark::NEW_TABLE => {
                let (array, fields) = (self.index(), self.index());
                self.tables.try_reserve(1).map_err(|_| LuaError::memory())?;
                let t = cx.vm_mut().heap.new_table_with(array, fields)?;
                self.tables.push((t, array as u32));
                Value::table(t)
            }
            mark::TABLE => {
                let number = self.index();
                Value::table(self.tables[number].0)
            }
            _ => Value::NIL,
        })
    }

    unsafe fn table(&mut self, cx: &mut Cx<'_>, t: *mut Table, len: u32) -> Result<(), LuaError> {
        for i in 0..len {
            // The room is there since the table was made; nothing else has been stored in it.
            put((*t).arr.add(i as usize), self.value(cx)?);
            (*t).arr_len = i + 1;
        }
        loop {
            let [mark] = self.take();
            if mark == mark::END {
                break;
            }
            let key = self.marked(cx, mark)?;
            let v = self.value(cx)?;
            Table::set_at_once(t, &mut cx.vm_mut().heap, key, v)?;
        }
        let meta = self.value(cx)?;
        if meta.is_table() {
            cx.set_metatable(Val::raw_new(Value::table(t)), Val::raw_new(meta).as_table())?;
        }
        Ok(())
    }
}

/// A short string outside of any heap: a program constant by address, or bytes of its own.
#[derive(Clone)]
pub enum Text {
    Constant(ConstantStr),
    Own(Arc<[u8]>),
}

/// A program constant.
#[derive(Clone, Copy)]
pub struct ConstantStr(*const Str);

// SAFETY: program constants are immortal and immutable.
unsafe impl Send for ConstantStr {}
// SAFETY: as above.
unsafe impl Sync for ConstantStr {}

impl ConstantStr {
    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> &'static [u8] {
        // SAFETY: program constants are immortal.
        unsafe { Str::bytes(self.0) }
    }
}

impl Text {
    /// The text of a string.
    #[must_use]
    pub fn of(s: LStr<'_>) -> Self {
        let at = Val::from(s).raw().as_str();
        // SAFETY: a live string.
        if unsafe { alloc::is_immortal(at.cast()) } {
            Self::Constant(ConstantStr(at))
        } else {
            Self::Own(s.bytes().into())
        }
    }

    /// A text that the program has in its source: it becomes a constant.
    #[must_use]
    pub fn fixed(text: &'static str) -> Self {
        Self::Constant(ConstantStr(crate::heap::string::constant(text.as_bytes())))
    }

    /// As [`Text::fixed`], for what is asked for often.
    #[must_use]
    pub fn of_name(name: &'static Name) -> Self {
        Self::Constant(ConstantStr(name.get().raw().as_str()))
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Constant(c) => c.bytes(),
            Self::Own(bytes) => bytes,
        }
    }

    /// The string in this process.
    ///
    /// # Errors
    /// Memory.
    pub fn to_value<'gc>(&self, cx: &mut Cx<'gc>) -> Result<Val<'gc>, LuaError> {
        match self {
            Self::Constant(c) => Ok(Val::raw_new(Value::string(c.0))),
            Self::Own(bytes) => cx.string(bytes),
        }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            // Constants are unique.
            (Self::Constant(a), Self::Constant(b)) => std::ptr::eq(a.0, b.0),
            _ => self.bytes() == other.bytes(),
        }
    }
}

impl Eq for Text {}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.bytes()))
    }
}

impl SharedBytes {
    /// A buffer with these bytes, or `None` if there is no memory.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let blob = Blob::new(bytes.len())?;
        // SAFETY: the blob is new, hence unshared; its one reference is taken over.
        unsafe {
            Blob::data_mut(blob).copy_from_slice(bytes);
            Some(Self::from_raw(blob))
        }
    }
}
