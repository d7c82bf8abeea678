//! Strings: immutable bytes with a cached hash.
//!
//! 1. Up to `limits::MAX_INLINE_STRING` bytes follow the header in its size class; longer ones live in a [`Blob`] that
//!    messages share without copying.
//! 2. Strings made at run time are not interned: equality is pointer, then length, hash (if both known) and bytes.
//! 3. String constants of loaded programs are immortal and unique ([`constant`]); they lie in regions whose mark bits are
//!    always set, so the collector passes over them without writing.
//! 4. Strings of one byte are such constants too, made when one is first needed: a program that takes a text apart makes
//!    none, and its table look-ups find them by pointer.
//! 5. A hash is never 0; 0 in the header means "not computed yet". One seed serves the whole program, because tables
//!    adopt the pointers of constants that all processes share.

use super::alloc::{Heap, OutOfMemory};
use super::blob::Blob;
use super::region::Region;
use crate::limits::MAX_INLINE_STRING;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{LazyLock, Mutex};

/// Header of a string object.
#[repr(C)]
pub struct Str {
    len: usize,
    hash: u32,
    large: bool,
}

/// Offset of the inline bytes, or of the blob pointer.
pub const STR_HEADER: usize = 16;

const _: () = assert!(size_of::<Str>() == STR_HEADER);

impl Str {
    /// The bytes. They do not move or change while the string lives.
    ///
    /// # Safety
    /// `this` is a live string; the caller's lifetime `'a` ends before the string can be collected.
    #[inline(always)]
    #[must_use]
    pub unsafe fn bytes<'a>(this: *const Self) -> &'a [u8] {
        // SAFETY: the header is followed by `len` bytes, or by a blob pointer if `large` (invariant 1).
        unsafe {
            let after = this.cast::<u8>().add(STR_HEADER);
            let data = if (*this).large { Blob::data(*after.cast::<*mut Blob>()) } else { after };
            std::slice::from_raw_parts(data, (*this).len)
        }
    }

    /// Length in bytes.
    ///
    /// # Safety
    /// `this` is a live string.
    #[inline(always)]
    #[must_use]
    pub unsafe fn len(this: *const Self) -> usize {
        // SAFETY: by contract.
        unsafe { (*this).len }
    }

    /// The blob of a large string.
    ///
    /// # Safety
    /// `this` is a live string.
    #[must_use]
    pub unsafe fn blob(this: *const Self) -> Option<*mut Blob> {
        // SAFETY: `large` says that a blob pointer follows the header.
        unsafe { (*this).large.then(|| *this.cast::<u8>().add(STR_HEADER).cast::<*mut Blob>()) }
    }

    /// The hash, computed at the first call.
    ///
    /// # Safety
    /// `this` is a live string of the calling process, or a constant (whose hash is always present).
    #[inline(always)]
    #[must_use]
    pub unsafe fn hash(this: *const Self) -> u32 {
        // SAFETY: by contract.
        unsafe {
            let h = (*this).hash;
            if h != 0 { h } else { Self::compute_hash(this.cast_mut()) }
        }
    }

    #[cold]
    #[inline(never)]
    unsafe fn compute_hash(this: *mut Self) -> u32 {
        // SAFETY: as `hash`: constants have their hash, so the string is private to this process.
        unsafe {
            let h = hash_bytes(Self::bytes(this));
            (*this).hash = h;
            h
        }
    }

    /// Equality of contents.
    ///
    /// # Safety
    /// Both are live strings.
    #[inline]
    #[must_use]
    pub unsafe fn eq(a: *const Self, b: *const Self) -> bool {
        // SAFETY: by contract.
        unsafe {
            a == b
                || ((*a).len == (*b).len
                    && ((*a).hash == (*b).hash || (*a).hash == 0 || (*b).hash == 0)
                    && Self::bytes(a) == Self::bytes(b))
        }
    }
}

static SEED_IS_FIXED: AtomicBool = AtomicBool::new(false);

/// From now on every program hashes alike, so that a simulation traverses tables in the same order each time. Has an effect
/// before the first string is hashed.
pub fn fix_hash_seed() {
    SEED_IS_FIXED.store(true, Ordering::Relaxed);
}

static SEED: LazyLock<u64> = LazyLock::new(|| {
    if SEED_IS_FIXED.load(Ordering::Relaxed) {
        return 0;
    }
    // One random seed per program, so that nobody can prepare colliding keys.
    std::hash::RandomState::new().hash_one(0x7769_7070_u64)
});

/// Equality of byte strings that are mostly short and the same: those need no call.
#[inline(always)]
#[must_use]
pub fn is_same(a: &[u8], b: &[u8]) -> bool {
    let n = a.len();
    if n != b.len() || n > 16 {
        return a == b;
    }
    if n >= 8 {
        return a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk();
    }
    if n >= 4 {
        return a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk();
    }
    n == 0 || (a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1])
}

/// Hash of a byte string; never 0.
#[must_use]
pub fn hash_bytes(bytes: &[u8]) -> u32 {
    let mut hasher = foldhash::fast::FixedState::with_seed(*SEED).build_hasher();
    hasher.write(bytes);
    let h = hasher.finish();
    let folded = (h ^ (h >> 32)) as u32;
    if folded == 0 { 1 } else { folded }
}

impl Heap {
    /// A string with these bytes: a new one, unless it has a single byte.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the process's limit or the system's memory is reached.
    #[inline]
    pub fn new_string(&mut self, bytes: &[u8]) -> Result<*mut Str, OutOfMemory> {
        if let [byte] = *bytes {
            return Ok(of_byte(byte));
        }
        self.new_string_with(bytes.len(), |out| out.copy_from_slice(bytes))
    }

    /// A new string of `len` bytes, filled by `fill` from zeroed or uninitialised-then-zeroed memory.
    ///
    /// # Errors
    /// As [`Heap::new_string`].
    #[inline]
    pub fn new_string_with(
        &mut self,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<*mut Str, OutOfMemory> {
        if len > MAX_INLINE_STRING {
            return self.new_large_string(len, fill);
        }
        let at = self.alloc(STR_HEADER + len)?.cast::<Str>();
        // SAFETY: `at` has room for header and bytes; bytes of a recycled slot are initialised memory of the region.
        unsafe {
            (*at).len = len;
            (*at).hash = 0;
            (*at).large = false;
            fill(std::slice::from_raw_parts_mut(at.cast::<u8>().add(STR_HEADER), len));
        }
        Ok(at)
    }

    #[cold]
    fn new_large_string(
        &mut self,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<*mut Str, OutOfMemory> {
        self.reserve_external(len)?;
        let blob = Blob::new(len).ok_or(OutOfMemory)?;
        // SAFETY: the blob is new, hence unshared.
        fill(unsafe { Blob::data_mut(blob) });
        // SAFETY: the blob is new and its only reference is ours.
        unsafe { self.adopt_blob(blob) }
    }

    /// A string over a blob, whose reference it takes over.
    ///
    /// # Safety
    /// The blob is alive and the caller holds the reference that it gives away.
    ///
    /// # Errors
    /// As [`Heap::new_string`]; the reference is released then.
    pub unsafe fn adopt_blob(&mut self, blob: *mut Blob) -> Result<*mut Str, OutOfMemory> {
        let at = match self.alloc(STR_HEADER + size_of::<*mut Blob>()) {
            Ok(at) => at.cast::<Str>(),
            Err(e) => {
                // SAFETY: the caller passed its reference to us.
                unsafe { Blob::release(blob) };
                return Err(e);
            }
        };
        // SAFETY: room for header and pointer; the blob is alive.
        unsafe {
            let len = Blob::len(blob);
            (*at).len = len;
            (*at).hash = 0;
            (*at).large = true;
            *at.cast::<u8>().add(STR_HEADER).cast::<*mut Blob>() = blob;
            self.add_blob(len);
        }
        self.register_external(super::Value::string(at));
        Ok(at)
    }
}

struct Constants {
    table: HashTable<usize>,
    region: *mut Region,
    used: usize,
}

// SAFETY: the region is only written under the mutex that holds this struct; its strings are immutable afterwards.
unsafe impl Send for Constants {}

static CONSTANTS: LazyLock<Mutex<Constants>> = LazyLock::new(|| {
    Mutex::new(Constants { table: HashTable::new(), region: std::ptr::null_mut(), used: usize::MAX })
});

fn lock_constants() -> std::sync::MutexGuard<'static, Constants> {
    CONSTANTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The immortal, program-wide unique string with these bytes.
///
/// # Panics
/// If the system has no memory left for program constants.
#[must_use]
pub fn constant(bytes: &[u8]) -> *const Str {
    let hash = hash_bytes(bytes);
    let mut constants = lock_constants();
    if let Some(found) = find_in(&constants, hash, bytes) {
        return found;
    }
    let large = bytes.len() > MAX_INLINE_STRING;
    let size = STR_HEADER + if large { size_of::<*mut Blob>() } else { bytes.len() };
    let at = constants.bump(size.next_multiple_of(16)).cast::<Str>();
    // SAFETY: `bump` returned fresh memory of that size; nobody else sees it before it is in the table.
    unsafe {
        (*at).len = bytes.len();
        (*at).hash = hash;
        (*at).large = large;
        let after = at.cast::<u8>().add(STR_HEADER);
        if large {
            let blob = Blob::new(bytes.len()).expect("memory for a program constant");
            Blob::data_mut(blob).copy_from_slice(bytes);
            *after.cast::<*mut Blob>() = blob;
        } else {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), after, bytes.len());
        }
    }
    // SAFETY: entries are immortal strings.
    constants
        .table
        .insert_unique(u64::from(hash), at as usize, |&s| u64::from(unsafe { Str::hash(s as *const Str) }));
    at
}

/// The strings of one byte that have been needed so far.
static OF_BYTE: [AtomicPtr<Str>; 256] = [const { AtomicPtr::new(std::ptr::null_mut()) }; 256];

/// The immortal string of one byte. Nothing writes to it: it has its hash, and the collector leaves it alone.
#[inline]
fn of_byte(byte: u8) -> *mut Str {
    // Acquire: whoever sees the pointer sees the string.
    let found = OF_BYTE[usize::from(byte)].load(Ordering::Acquire);
    if found.is_null() { first_of_byte(byte) } else { found }
}

#[cold]
#[inline(never)]
fn first_of_byte(byte: u8) -> *mut Str {
    let made = constant(&[byte]).cast_mut();
    OF_BYTE[usize::from(byte)].store(made, Ordering::Release);
    made
}

/// The immortal string with these bytes if the program already has it.
#[must_use]
pub fn find_constant(bytes: &[u8]) -> Option<*const Str> {
    find_in(&lock_constants(), hash_bytes(bytes), bytes)
}

fn find_in(constants: &Constants, hash: u32, bytes: &[u8]) -> Option<*const Str> {
    constants
        .table
        // SAFETY: entries are immortal strings.
        .find(u64::from(hash), |&s| unsafe { Str::bytes(s as *const Str) == bytes })
        .map(|&s| s as *const Str)
}

impl Constants {
    fn bump(&mut self, size: usize) -> *mut u8 {
        if self.used.saturating_add(size) > Region::SIZE {
            self.region = Region::new_immortal().expect("memory for program constants");
            self.used = Region::FIRST_CELL_OFFSET;
        }
        // SAFETY: `used + size` is inside the region.
        let at = unsafe { self.region.cast::<u8>().add(self.used) };
        self.used += size;
        at
    }
}
