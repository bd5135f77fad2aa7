//! Passwords that were stolen elsewhere (J6), in a folder of the operator's.
//!
//! Owns the look-up in that folder. It must not know when a password is refused.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha1::{Digest, Sha1};

/// How many hexadecimal digits of a hash name its file.
const PREFIX: usize = 5;

/// Passwords that were stolen elsewhere: a folder with a file for each prefix of a SHA-1 hash, named by its five
/// hexadecimal digits (with or without `.txt`), whose lines are the rest of a hash, a colon, and how often it was seen.
#[derive(Clone, Debug)]
pub struct BreachedPasswords {
    folder: Arc<Path>,
}

impl BreachedPasswords {
    /// Opens a folder of hashes.
    ///
    /// # Errors
    /// If the folder can't be read, or contains no such file.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        for entry in fs::read_dir(&folder)? {
            let name = entry?.file_name();
            let name = name.to_str().unwrap_or_default();
            let prefix = name.strip_suffix(".txt").unwrap_or(name);
            if prefix.len() == PREFIX && prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Ok(Self { folder: folder.into() });
            }
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "it has no file of a range"))
    }

    /// Returns whether it contains the password. A prefix without a file has no passwords.
    pub(crate) fn has(&self, password: &[u8]) -> io::Result<bool> {
        let hash: String = Sha1::digest(password)
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        let (prefix, rest) = hash.split_at(PREFIX);
        for name in [prefix.to_owned(), format!("{prefix}.txt")] {
            match fs::read_to_string(self.folder.join(name)) {
                Ok(range) => return Ok(lists(&range, rest)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

/// Returns whether a file lists a hash. A line with a count of 0 is padding, and is ignored.
fn lists(range: &str, rest: &str) -> bool {
    range.lines().any(|line| {
        line.split_once(':')
            .is_some_and(|(suffix, count)| suffix.trim().eq_ignore_ascii_case(rest) && count.trim() != "0")
    })
}
