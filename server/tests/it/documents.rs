//! What the documents about security name exists: files of tests, and the tests in them.

use std::{
    fs,
    path::{Path, PathBuf},
};

const DOCUMENTS: [&str; 2] = ["docs/security.md", "docs/asvs.md"];

/// Where a file that is named without all of its path is looked for.
const FOLDERS: [&str; 9] = [
    "",
    "server/tests",
    "server/tests/it",
    "server/tests/it/attacks",
    "server/src",
    "app/src",
    "crates/directory/src",
    "crates",
    "crates/policy/src",
];

#[test]
fn every_test_that_is_named_exists() {
    let mut wrong = Vec::new();
    let mut named = 0;
    for document in DOCUMENTS {
        let text = fs::read_to_string(root().join(document)).unwrap();
        // Between backticks: a file, and after it, with ": " or ", " between, tests of it.
        let mut file: Option<String> = None;
        let mut before = "";
        for (nth, piece) in text.split('`').enumerate() {
            if nth % 2 == 0 {
                before = piece;
            } else if [".rs", ".ts"].iter().any(|end| piece.ends_with(end)) && !piece.contains(' ') {
                file = find(piece);
                named += 1;
                if file.is_none() {
                    wrong.push(format!("{document}: no file {piece}"));
                }
            } else if let Some(source) = &file
                && [": ", ", "].contains(&before)
                && is_name(piece)
            {
                named += 1;
                if !source.contains(&format!("fn {piece}(")) {
                    wrong.push(format!("{document}: no test {piece} in the file named before it"));
                }
            } else {
                file = None;
            }
        }
    }
    assert!(named > 150, "{named} are named");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The text of a file.
fn find(named: &str) -> Option<String> {
    FOLDERS
        .iter()
        .find_map(|folder| fs::read_to_string(root().join(folder).join(named)).ok())
}

fn is_name(text: &str) -> bool {
    text.contains('_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
