//! Where the code of processes comes from.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

use super::loader;
use crate::heap::SharedCode;
use crate::vm::error_object::{Detail, ErrorObject, kind};

/// Code that processes run.
pub struct Program {
    /// What `process.id()` says.
    pub id: Arc<[u8]>,
    /// A chunk; what it returns leads to the function that the process is.
    pub code: SharedCode,
    /// Which field of a returned table that is.
    pub method: Box<[u8]>,
    /// A process with this program has gone through its chunk without waiting for anything: the next one will, too, so
    /// nobody needs to wait for its start.
    pub starts_at_once: AtomicBool,
}

impl Program {
    /// Whether somebody who starts this program should wait until the chunk has run.
    #[must_use]
    pub fn is_untried(&self) -> bool {
        !self.starts_at_once.load(Ordering::Relaxed)
    }
}

/// Finds programs by id.
pub trait ProcessSource: Send + Sync {
    /// The program with this id. `newest` asks for the present version, otherwise one seen earlier will do.
    ///
    /// # Errors
    /// There is none, or it cannot be loaded.
    fn find(&self, id: &[u8], newest: bool) -> Result<Arc<Program>, ErrorObject>;

    /// Whether the id is written as ids of this source are.
    fn is_valid(&self, id: &[u8]) -> bool;
}

impl Program {
    /// A chunk that leads to its function directly, or as the field `main` of a table.
    #[must_use]
    pub fn new(id: &[u8], code: SharedCode) -> Self {
        let method = Box::from(&b"main"[..]);
        Self { id: id.into(), code, method, starts_at_once: AtomicBool::new(false) }
    }
}

/// Lua files, relative to a folder.
pub struct Scripts {
    folder: PathBuf,
    /// The main script's id and file: it is found from anywhere.
    main: (Box<[u8]>, PathBuf),
    known: Mutex<HashMap<Box<[u8]>, Known>>,
}

struct Known {
    text: Box<[u8]>,
    program: Arc<Program>,
}

impl Scripts {
    /// The files of a folder, and the main script under its own id.
    #[must_use]
    pub fn new(folder: &Path, main: &[u8], file: &Path) -> Self {
        let main = (main.into(), file.to_owned());
        Self { folder: folder.to_owned(), main, known: Mutex::default() }
    }

    fn path(&self, id: &[u8]) -> PathBuf {
        if *self.main.0 == *id { self.main.1.clone() } else { self.folder.join(path_of(id)) }
    }
}

/// A file name as Lua gives it.
#[must_use]
pub fn path_of(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        std::ffi::OsStr::from_bytes(bytes).into()
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(bytes).into_owned().into()
    }
}

/// True for ids that are paths.
fn is_path(id: &[u8]) -> bool {
    id.ends_with(b".lua") || id.contains(&b'/')
}

/// The error for a program that does not exist.
#[must_use]
pub fn program_not_found(id: &[u8], why: &str) -> ErrorObject {
    let details = vec![(Box::from(&b"factory_id"[..]), Detail::Str(id.into()))];
    let mut message = [b"factory not found: ", id].concat();
    if !why.is_empty() {
        message.extend_from_slice(format!(" ({why})").as_bytes());
    }
    ErrorObject::permanent(kind::NOT_FOUND, message).with_details(details)
}

impl ProcessSource for Scripts {
    fn find(&self, id: &[u8], newest: bool) -> Result<Arc<Program>, ErrorObject> {
        if !is_path(id) && *self.main.0 != *id {
            return Err(program_not_found(id, ""));
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !newest && let Some(known) = known.get(id) {
            return Ok(known.program.clone());
        }
        let text = std::fs::read(self.path(id)).map_err(|e| {
            let why = e.to_string();
            program_not_found(id, why.split(" (os error").next().unwrap_or_default())
        })?;
        if let Some(known) = known.get(id)
            && *known.text == *text
        {
            return Ok(known.program.clone());
        }
        let name = [b"@", id].concat();
        let mut chunk = text.clone();
        crate::stdlib::base::skip_comment(&mut chunk);
        let mode = crate::vm::LoadMode { text: true, binary: true };
        let proto = loader::load(&chunk, &name.as_slice().into(), mode).map_err(|message| {
            ErrorObject::permanent(kind::INTERNAL, [b"failed to load script: ", &message[..]].concat())
        })?;
        let program = Arc::new(Program::new(id, SharedCode::publish(proto)));
        known.insert(id.into(), Known { text: text.into(), program: program.clone() });
        Ok(program)
    }

    fn is_valid(&self, id: &[u8]) -> bool {
        is_path(id) || id.iter().position(|&b| b == b':').is_some_and(|at| at > 0 && at + 1 < id.len())
    }
}
