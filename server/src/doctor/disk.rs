//! The disk that the data folder is on, with the private PostgreSQL: when it is full, nothing can be changed.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use crate::config::Config;

/// Below this part of the disk, and below this many bytes, it is nearly full.
const PART: u64 = 20;
const BYTES: u64 = 5 << 30;
/// Below this many bytes it is, however small the disk.
const LEAST: u64 = 256 << 20;

/// The folder's disk, if the private PostgreSQL is used: another one's disk can't be seen from here.
pub(super) fn examine(config: &Config) -> Option<String> {
    if config.database_url.is_some() {
        return None;
    }
    let disk = statvfs(&config.data).ok()?;
    let block = disk.fragment_size();
    nearly_full(
        &config.data,
        bytes(disk.blocks_available(), block),
        bytes(disk.blocks(), block),
    )
}

/// The size of so many blocks; systems count them in different types.
fn bytes(blocks: impl Into<u64>, block: impl Into<u64>) -> u64 {
    blocks.into().saturating_mul(block.into())
}

fn nearly_full(folder: &Path, free: u64, all: u64) -> Option<String> {
    let is_nearly_full = free < LEAST || (free < BYTES && free < all / PART);
    is_nearly_full.then(|| {
        format!(
            "the disk of {} has {} MiB left: free some, or give it more",
            folder.display(),
            free >> 20
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u7_a_disk_is_nearly_full_by_part_and_by_size() {
        let says = |free: u64, all: u64| nearly_full(Path::new(".roster"), free << 20, all << 20);
        assert_eq!(says(100_000, 200_000), None);
        assert_eq!(says(6_000, 1_000_000), None, "6 GB of a large disk");
        assert_eq!(says(900, 10_000), None);
        let line = says(4_000, 1_000_000).unwrap();
        assert!(line.contains("disk of .roster has 4000 MiB left: free some"), "{line}");
        assert!(says(200, 1_000).is_some());
        assert!(says(0, 0).is_some());
    }
}
