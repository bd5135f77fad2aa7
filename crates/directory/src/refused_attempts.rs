//! How many attempts were refused since the process began, by the name of the limit that refused them (U1).
//!
//! Owns the names and the counts, which are of this process alone: whoever watches several servers adds them up. It
//! must not know for whom anything is limited. A name is the beginning of a bucket, up to the first space or colon
//! after it; the rest of a bucket can hold an address or an id, and is counted under none.

use std::sync::atomic::{AtomicU64, Ordering};

/// The names of the limits.
const NAMES: [&str; 10] = [
    "change_email",
    "collaborator:add",
    "flash",
    "invitation",
    "member:invite",
    "password",
    "password_reset",
    "sign_in",
    "sign_up",
    "verify_email",
];

static COUNTS: [AtomicU64; NAMES.len()] = [const { AtomicU64::new(0) }; NAMES.len()];

/// Returns the names of the limits, and how many attempts each refused since the process began.
pub fn refused_attempts() -> impl Iterator<Item = (&'static str, u64)> {
    let counts = COUNTS.iter().map(|count| count.load(Ordering::Relaxed));
    NAMES.into_iter().zip(counts)
}

/// Counts an attempt that was refused.
pub(crate) fn count(bucket: &str) {
    if let Some(count) = position(bucket).and_then(|nth| COUNTS.get(nth)) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// The index of the name that a bucket begins with.
fn position(bucket: &str) -> Option<usize> {
    NAMES.iter().position(|name| {
        bucket
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with([' ', ':']))
    })
}

/// The name of the limit of a bucket.
#[cfg(test)]
pub(crate) fn name_of(bucket: &str) -> Option<&'static str> {
    position(bucket).map(|nth| NAMES[nth])
}
