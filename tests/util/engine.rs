//! Runs one Lua file in a child process with a time limit, and a memory limit where the system offers `ulimit`.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

pub struct Engine {
    words: Vec<String>,
    is_wippy: bool,
}

pub struct Outcome {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub success: bool,
    pub status: String,
    pub timed_out: bool,
}

/// Address space beyond a budget that is not the program's fault: code, thread stacks, allocator arenas.
const MEMORY_SLACK: u64 = 256 << 20;
/// How often a child is asked whether it has ended. Latency only; no result depends on it.
const POLL: Duration = Duration::from_millis(2);

impl Engine {
    /// `WIPPY_TEST_ENGINE` as a command line, or `BINARY run`.
    pub fn from_environment(binary: &str) -> Engine {
        match std::env::var("WIPPY_TEST_ENGINE") {
            Ok(line) => {
                Engine { words: line.split_whitespace().map(str::to_owned).collect(), is_wippy: false }
            }
            Err(_) => Engine { words: vec![binary.to_owned(), "run".to_owned()], is_wippy: true },
        }
    }

    pub fn is_wippy(&self) -> bool {
        self.is_wippy
    }

    pub fn run(
        &self,
        file: &Path,
        flags: &[String],
        argument: Option<&str>,
        limit: Duration,
        memory: Option<u64>,
    ) -> Result<Outcome, String> {
        let folder = file.parent().ok_or("a test file has a folder")?;
        let name = file.file_name().ok_or("a test file has a name")?;
        let mut command = match memory {
            Some(bytes) if cfg!(unix) => {
                let mut shell = Command::new("sh");
                let kib = (bytes + MEMORY_SLACK) >> 10;
                shell.arg("-c").arg(format!("ulimit -v {kib}; exec \"$0\" \"$@\"")).args(&self.words);
                shell
            }
            _ => {
                let mut direct = Command::new(&self.words[0]);
                direct.args(&self.words[1..]);
                direct
            }
        };
        if self.is_wippy {
            command.args(flags);
        }
        let mut child = command
            .arg(name)
            .args(argument)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {:?}: {error}", self.words))?;
        let stdout = drain(child.stdout.take());
        let stderr = drain(child.stderr.take());
        let (status, timed_out) = wait(&mut child, limit)?;
        Ok(Outcome {
            stdout: stdout.recv().unwrap_or_default(),
            stderr: stderr.recv().unwrap_or_default(),
            success: status.success(),
            status: status.to_string(),
            timed_out,
        })
    }
}

/// Reads a pipe to its end on a thread of its own, so a child never blocks on a full pipe.
fn drain(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // A read error ends the output; what has arrived is still worth comparing.
            let _ = pipe.read_to_end(&mut bytes);
            let _ = sender.send(bytes);
        });
    }
    receiver
}

fn wait(child: &mut Child, limit: Duration) -> Result<(std::process::ExitStatus, bool), String> {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok((status, false)),
            Ok(None) if start.elapsed() > limit => {
                let _ = child.kill();
                return child.wait().map(|status| (status, true)).map_err(|error| error.to_string());
            }
            Ok(None) => thread::sleep(POLL),
            Err(error) => return Err(error.to_string()),
        }
    }
}
