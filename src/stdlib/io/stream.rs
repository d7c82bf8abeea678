//! Buffered files: what C calls a stream, without anything of Lua.
//!
//! 1. A stream holds either input read ahead or output held back, never both: changing direction seeks or flushes first.
//! 2. Output that the system refuses is dropped, so a full disk or closed pipe cannot make the buffer grow.
//! 3. Every open stream is in one list, so that everything can be flushed before the program ends or starts another one.

use crate::limits::{DEFAULT_READ_BUFFER, DEFAULT_WRITE_BUFFER, MAX_WRITE_BUFFER};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// When output is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Buffering {
    None,
    Full,
    Line,
}

/// "Bad file descriptor": the answer to using a stream against its mode.
const EBADF: i32 = 9;

/// A file with its buffers.
pub struct Stream {
    /// `None` after closing, or for a standard stream that the program was started without.
    file: Option<File>,
    input: Vec<u8>,
    /// First byte of `input` that is not consumed.
    at: usize,
    output: Vec<u8>,
    buffering: Buffering,
    capacity: usize,
    readable: bool,
    writable: bool,
    /// Reads from a person at a terminal.
    interactive: bool,
    /// Belongs to the program, not to a process.
    standard: bool,
    /// Bytes of the buffers when [`Stream::growth`] was last asked.
    told: usize,
}

/// A stream that several owners may use.
pub type Shared = Arc<Mutex<Stream>>;

/// What a stream takes without its buffers.
pub const SIZE: usize = 2 * size_of::<usize>() + size_of::<Mutex<Stream>>();

fn lock_all() -> MutexGuard<'static, Vec<Weak<Mutex<Stream>>>> {
    static OPEN: Mutex<Vec<Weak<Mutex<Stream>>>> = Mutex::new(Vec::new());
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Exclusive use of a stream.
pub fn lock(stream: &Shared) -> MutexGuard<'_, Stream> {
    // A panic while a stream was locked leaves it usable: at worst some output is lost.
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stream {
    fn new(file: Option<File>, readable: bool, writable: bool) -> Self {
        Self {
            file,
            input: Vec::new(),
            at: 0,
            output: Vec::new(),
            buffering: Buffering::Full,
            capacity: DEFAULT_WRITE_BUFFER,
            readable,
            writable,
            interactive: false,
            standard: false,
            told: 0,
        }
    }

    /// By how much the buffers have grown since this was last asked, for the account of the process that uses the file.
    pub fn growth(&mut self) -> isize {
        let bytes = self.input.capacity() + self.output.capacity();
        if bytes == self.told || self.standard {
            return 0;
        }
        bytes as isize - std::mem::replace(&mut self.told, bytes) as isize
    }

    /// A stream over an open file.
    #[must_use]
    pub fn open(file: File, readable: bool, writable: bool) -> Shared {
        let mut stream = Self::new(Some(file), readable, writable);
        if writable && stream.is_terminal() {
            stream.buffering = Buffering::Line;
        }
        stream.share()
    }

    fn share(self) -> Shared {
        let shared = Arc::new(Mutex::new(self));
        lock_all().push(Arc::downgrade(&shared));
        shared
    }

    fn is_terminal(&self) -> bool {
        self.file.as_ref().is_some_and(IsTerminal::is_terminal)
    }

    fn file(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(|| io::Error::from_raw_os_error(EBADF))
    }

    // ---- output ----

    /// Writes bytes, now or later.
    ///
    /// # Errors
    /// Of the system, also for bytes held back earlier.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.writable {
            return Err(io::Error::from_raw_os_error(EBADF));
        }
        self.forget_input()?;
        if self.buffering != Buffering::None && self.output.len() + bytes.len() <= self.capacity {
            self.output.extend_from_slice(bytes);
        } else {
            self.flush()?;
            if self.buffering != Buffering::None && bytes.len() < self.capacity {
                self.output.extend_from_slice(bytes);
            } else {
                return self.file()?.write_all(bytes);
            }
        }
        if self.buffering == Buffering::Line
            && let Some(last) = memchr::memrchr(b'\n', bytes)
        {
            let rest = bytes.len() - last - 1;
            let end = self.output.len() - rest;
            let result = match self.file.as_mut() {
                Some(file) => file.write_all(&self.output[..end]),
                None => Err(io::Error::from_raw_os_error(EBADF)),
            };
            self.output.drain(..end);
            return result;
        }
        Ok(())
    }

    /// Writes what is held back.
    ///
    /// # Errors
    /// Of the system.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let output = std::mem::take(&mut self.output);
        let result = self.file().and_then(|f| f.write_all(&output));
        self.output = output;
        self.output.clear();
        result
    }

    /// Sets when output is written, and how much is held back.
    ///
    /// # Errors
    /// Of the system, for what was held back so far.
    pub fn set_buffering(&mut self, buffering: Buffering, capacity: usize) -> io::Result<()> {
        self.flush()?;
        self.buffering = buffering;
        self.capacity = capacity.clamp(1, MAX_WRITE_BUFFER);
        Ok(())
    }

    // ---- input ----

    /// Gives up input read ahead, so that the file's position is the program's.
    fn forget_input(&mut self) -> io::Result<()> {
        let ahead = self.input.len() - self.at;
        self.input.clear();
        self.at = 0;
        if ahead > 0 {
            self.file()?.seek(SeekFrom::Current(-(ahead as i64)))?;
        }
        Ok(())
    }

    fn prepare_read(&mut self) -> io::Result<()> {
        if !self.readable {
            return Err(io::Error::from_raw_os_error(EBADF));
        }
        self.flush()?;
        if self.interactive {
            // A question is seen before its answer is waited for.
            let _ = lock(stdout()).flush();
        }
        Ok(())
    }

    /// The bytes that can be consumed next; empty at the end of the file.
    ///
    /// # Errors
    /// Of the system.
    pub fn peek(&mut self) -> io::Result<&[u8]> {
        if self.at == self.input.len() {
            self.prepare_read()?;
            self.input.resize(DEFAULT_READ_BUFFER, 0);
            self.at = 0;
            let mut input = std::mem::take(&mut self.input);
            let result = loop {
                match self.file().and_then(|f| f.read(&mut input)) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    result => break result,
                }
            };
            input.truncate(*result.as_ref().unwrap_or(&0));
            self.input = input;
            result?;
        }
        Ok(&self.input[self.at..])
    }

    /// Takes `n` of the bytes that [`Stream::peek`] showed.
    pub fn consume(&mut self, n: usize) {
        self.at = (self.at + n).min(self.input.len());
    }

    /// Appends at most `n` bytes to `out`; fewer only at the end of the file.
    ///
    /// # Errors
    /// Of the system.
    pub fn read_into(&mut self, out: &mut Vec<u8>, n: usize) -> io::Result<usize> {
        let ready = n.min(self.input.len() - self.at);
        out.extend_from_slice(&self.input[self.at..self.at + ready]);
        self.at += ready;
        if ready == n {
            return Ok(n);
        }
        if n - ready < DEFAULT_READ_BUFFER {
            let mut got = ready;
            while got < n {
                let bytes = self.peek()?;
                let part = bytes.len().min(n - got);
                if part == 0 {
                    break;
                }
                out.extend_from_slice(&bytes[..part]);
                self.at += part;
                got += part;
            }
            return Ok(got);
        }
        self.prepare_read()?;
        let mut file: &File = self.file()?;
        let more = Read::take(&mut file, (n - ready) as u64).read_to_end(out)?;
        Ok(ready + more)
    }

    // ---- position and end ----

    /// Moves the position and returns it.
    ///
    /// # Errors
    /// Of the system.
    pub fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.flush()?;
        self.forget_input()?;
        self.file()?.seek(to)
    }

    /// Flushes and closes.
    ///
    /// # Errors
    /// Of the system, for what was held back.
    pub fn close(&mut self) -> io::Result<()> {
        let result = self.flush();
        self.file = None;
        self.input = Vec::new();
        self.output = Vec::new();
        self.at = 0;
        result
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Nobody is left to tell about an error.
        let _ = self.flush();
        // This one has no owner any more, so it goes, too.
        lock_all().retain(|s| s.strong_count() > 0);
    }
}

// ---- standard streams ----

#[cfg(unix)]
fn duplicate(stream: impl std::os::fd::AsFd) -> Option<File> {
    stream.as_fd().try_clone_to_owned().ok().map(File::from)
}

#[cfg(windows)]
fn duplicate(stream: impl std::os::windows::io::AsHandle) -> Option<File> {
    stream.as_handle().try_clone_to_owned().ok().map(File::from)
}

/// The program's standard input.
pub fn stdin() -> &'static Shared {
    static STDIN: OnceLock<Shared> = OnceLock::new();
    STDIN.get_or_init(|| {
        let mut stream = Stream::new(duplicate(io::stdin()), true, false);
        stream.interactive = stream.is_terminal();
        stream.standard = true;
        stream.share()
    })
}

/// The program's standard output, which `print` writes to as well.
pub fn stdout() -> &'static Shared {
    static STDOUT: OnceLock<Shared> = OnceLock::new();
    STDOUT.get_or_init(|| {
        let mut stream = Stream::new(duplicate(io::stdout()), false, true);
        if stream.is_terminal() {
            stream.buffering = Buffering::Line;
        }
        stream.standard = true;
        stream.share()
    })
}

/// The program's standard error output.
pub fn stderr() -> &'static Shared {
    static STDERR: OnceLock<Shared> = OnceLock::new();
    STDERR.get_or_init(|| {
        let mut stream = Stream::new(duplicate(io::stderr()), false, true);
        stream.buffering = Buffering::None;
        stream.standard = true;
        stream.share()
    })
}

/// Flushes every open stream that is not in use elsewhere.
pub fn flush_all() {
    let all: Vec<Shared> = lock_all().iter().filter_map(Weak::upgrade).collect();
    for stream in all {
        // A stream that another thread reads from has nothing held back.
        if let Ok(mut stream) = stream.try_lock() {
            let _ = stream.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> Shared {
        Stream::open(tempfile::tempfile().expect("a temporary file"), true, true)
    }

    fn all(stream: &mut Stream) -> Vec<u8> {
        let mut out = Vec::new();
        stream.read_into(&mut out, 1 << 20).expect("readable");
        out
    }

    #[test]
    fn reading_and_writing_share_one_position() {
        let shared = scratch();
        let mut s = lock(&shared);
        s.write(b"hello world").expect("writable");
        assert_eq!(s.seek(SeekFrom::Start(0)).expect("seekable"), 0);
        assert_eq!(s.peek().expect("readable")[..5], *b"hello");
        s.consume(5);
        s.write(b"+").expect("writable");
        assert_eq!(s.seek(SeekFrom::Current(0)).expect("seekable"), 6);
        assert_eq!(all(&mut s), b"world");
        s.seek(SeekFrom::Start(0)).expect("seekable");
        assert_eq!(all(&mut s), b"hello+world");
    }

    #[test]
    fn output_is_held_back_as_asked() {
        let shared = scratch();
        let mut s = lock(&shared);
        s.write(b"abc").expect("writable");
        assert_eq!(s.output, b"abc");
        s.set_buffering(Buffering::Line, 100).expect("flushed");
        s.write(b"one\ntwo").expect("writable");
        assert_eq!(s.output, b"two");
        s.set_buffering(Buffering::None, 0).expect("flushed");
        s.write(b"!").expect("writable");
        assert!(s.output.is_empty());
        s.set_buffering(Buffering::Full, 4).expect("flushed");
        s.write(b"123").expect("writable");
        s.write(b"45").expect("writable");
        assert_eq!(s.output, b"45");
        s.seek(SeekFrom::Start(0)).expect("seekable");
        assert_eq!(all(&mut s), b"abcone\ntwo!12345");
    }

    #[test]
    fn a_stream_refuses_what_its_mode_forbids() {
        let shared = Stream::open(tempfile::tempfile().expect("a temporary file"), false, true);
        let mut s = lock(&shared);
        assert_eq!(s.peek().map_err(|e| e.raw_os_error()).err(), Some(Some(EBADF)));
        s.close().expect("nothing to write");
        s.write(b"x").expect("held back");
        assert!(s.flush().is_err());
    }
}
