//! The forms of SSH keys, and of other texts pasted for one, that aren't accepted (E4), as a closed list: for each
//! there is advice on how to get the right form.
//!
//! Owns the list. It must not know how a form is recognized, nor the text of the advice.

use serde::{Deserialize, Serialize};

/// What was pasted instead of one public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SshKeyFormat {
    /// A line of `authorized_keys` with options, or of `known_hosts`.
    Options,
    /// Several keys.
    Several,
    /// A certificate, of SSH or X.509.
    Certificate,
    /// A public key in PEM.
    Pem,
    /// A key of PGP.
    Pgp,
    /// A fingerprint.
    Fingerprint,
    /// A path to a file.
    Path,
    /// A key whose end is missing.
    Cut,
}

impl SshKeyFormat {
    /// All forms.
    pub const ALL: &[Self] = &[
        Self::Options,
        Self::Several,
        Self::Certificate,
        Self::Pem,
        Self::Pgp,
        Self::Fingerprint,
        Self::Path,
        Self::Cut,
    ];

    /// Returns its stable code, for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Options => "ssh_key_options",
            Self::Several => "ssh_key_several",
            Self::Certificate => "ssh_key_certificate",
            Self::Pem => "ssh_key_pem",
            Self::Pgp => "ssh_key_pgp",
            Self::Fingerprint => "ssh_key_fingerprint",
            Self::Path => "ssh_key_path",
            Self::Cut => "ssh_key_cut",
        }
    }
}
