//! A data folder for one test, and the little of PostgreSQL and the system that the tests look at.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use super::{Outcome, TO_BE_KILLED};

/// A folder for one test, removed at its end.
pub(super) struct Scratch {
    pub(super) root: PathBuf,
    pub(super) data: PathBuf,
    pub(super) elsewhere: Vec<PathBuf>,
}

impl Scratch {
    pub(super) fn new(data: &str) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = fs::canonicalize(std::env::temp_dir())?.join(format!("roster-test-{}-{next}", std::process::id()));
        fs::create_dir(&root)?;
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755))?;
        let scratch = Self {
            data: root.join(data),
            root,
            elsewhere: Vec::new(),
        };
        if let Some(parent) = scratch
            .data
            .parent()
            .filter(|parent| parent.file_name() != Some("closed".as_ref()))
        {
            fs::create_dir_all(parent)?;
        }
        Ok(scratch)
    }

    pub(super) fn server_to_be_killed(&self) -> io::Result<Child> {
        Command::new(std::env::current_exe()?)
            .args(["--exact", "server_to_be_killed"])
            .env(TO_BE_KILLED, &self.data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
    }

    /// Waits until no process has this folder in its arguments.
    pub(super) async fn no_process_is_left(&self) -> Outcome {
        until("no process is left", || self.processes().is_empty()).await
    }

    pub(super) fn processes(&self) -> Vec<u32> {
        let folders: Vec<&[u8]> = self
            .elsewhere
            .iter()
            .chain([&self.root])
            .map(|path| path.as_os_str().as_encoded_bytes())
            .collect();
        let Ok(processes) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        processes
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| {
                let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                folders
                    .iter()
                    .any(|folder| arguments.windows(folder.len()).any(|part| part == *folder))
            })
            .collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // After a failed assertion something may still run.
        for pid in self.processes() {
            let _ = kill(pid);
        }
        for folder in self.elsewhere.iter().chain([&self.root]) {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

pub(super) async fn until(what: &str, done: impl Fn() -> bool) -> Outcome {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > Duration::from_secs(40) {
            return Err(format!("waited in vain until {what}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

pub(super) fn postmaster(data: &Path) -> Outcome<u32> {
    let text = fs::read_to_string(data.join("postgres/postmaster.pid"))?;
    Ok(text.lines().next().ok_or("empty")?.parse()?)
}

pub(super) fn kill(pid: u32) -> io::Result<()> {
    Command::new("sh")
        .args(["-c", &format!("kill -9 {pid}")])
        .status()
        .map(drop)
}

pub(super) fn am_root() -> io::Result<bool> {
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}

pub(super) fn as_user(uid: u32, gid: u32, program: &str) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program);
    if am_root().unwrap_or(false) {
        command.uid(uid).gid(gid);
    }
    command
}

/// The socket that a URL leads to.
pub(super) fn socket(url: &str) -> Outcome<PathBuf> {
    let (_, host) = url.split_once("host=").ok_or("no host")?;
    let host = host.split('&').next().ok_or("no host")?;
    let mut parts = host.split('%');
    let mut path: Vec<u8> = parts.next().unwrap_or_default().into();
    for part in parts {
        path.push(u8::from_str_radix(part.get(..2).ok_or("half a byte")?, 16)?);
        path.extend(part.get(2..).unwrap_or_default().bytes());
    }
    Ok(Path::new(&String::from_utf8(path)?).join(".s.PGSQL.5432"))
}

/// Just enough of PostgreSQL's protocol to ask a question: the tests need no driver.
pub(super) fn connect(url: &str) -> Outcome<UnixStream> {
    let mut stream = UnixStream::connect(socket(url)?)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let body = b"\x00\x03\x00\x00user\0roster\0database\0roster\0\0";
    stream.write_all(&u32::try_from(body.len() + 4)?.to_be_bytes())?;
    stream.write_all(body)?;
    until_ready(&mut stream)?;
    Ok(stream)
}

/// The first column of every row.
pub(super) fn query(url: &str, sql: &str) -> Outcome<Vec<String>> {
    let mut stream = connect(url)?;
    stream.write_all(b"Q")?;
    stream.write_all(&u32::try_from(sql.len() + 5)?.to_be_bytes())?;
    stream.write_all(sql.as_bytes())?;
    stream.write_all(b"\0")?;
    until_ready(&mut stream)
}

fn until_ready(stream: &mut UnixStream) -> Outcome<Vec<String>> {
    let mut rows = Vec::new();
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let mut body = vec![0; usize::try_from(u32::from_be_bytes(length))?.saturating_sub(4)];
        stream.read_exact(&mut body)?;
        match kind {
            b'Z' => return Ok(rows),
            b'E' => return Err(String::from_utf8_lossy(&body).replace('\0', " ").into()),
            b'D' => {
                let length: [u8; 4] = body.get(2..6).ok_or("short row")?.try_into()?;
                let end = 6 + usize::try_from(u32::from_be_bytes(length))?;
                rows.push(String::from_utf8(body.get(6..end).ok_or("short row")?.into())?);
            }
            _ => {}
        }
    }
}
