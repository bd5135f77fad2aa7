//! The direction of the arrows, and what may be said where.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// The browser's build of the console has nothing of the server's in it.
#[test]
fn the_browser_build_has_no_server_in_it() {
    let found = packages_of("app", &["hydrate"], &["--filter-platform", "wasm32-unknown-unknown"]);
    for stranger in [
        "sqlx",
        "sqlx-core",
        "axum",
        "tokio",
        "hyper",
        "directory",
        "server",
        "leptos_axum",
        "argon2",
        "mio",
    ] {
        assert!(!found.contains(stranger), "{stranger} is in the browser's build");
    }
    // It was the right tree that was looked at.
    for own in ["policy", "leptos", "gloo-net", "web-sys"] {
        assert!(found.contains(own), "{own} is missing");
    }
}

/// The policy decides from what it is given: it reaches no file, network, database, clock or chance.
#[test]
fn the_policy_depends_on_nothing_that_reaches_outside() {
    let found = packages_of("policy", &[], &[]);
    let known = [
        "policy",
        "itoa",
        "memchr",
        "proc-macro2",
        "quote",
        "serde",
        "serde_core",
        "serde_derive",
        "syn",
        "thiserror",
        "thiserror-impl",
        "unicode-ident",
        "uuid",
    ];
    for package in &found {
        assert!(
            known.contains(&package.as_str()),
            "{package}: is it free of input and output?"
        );
    }
}

/// How REST is described is the server's affair: what it describes does not know of it.
#[test]
fn only_the_server_describes() {
    let found = packages_of("app", &["ssr"], &[]);
    assert!(found.contains("directory") && found.contains("policy"));
    assert!(!found.contains("utoipa"));
}

/// The names of the packages that a package of ours is built from, with these features and no others.
fn packages_of(name: &str, features: &[&str], options: &[&str]) -> BTreeSet<String> {
    let manifest = root().join(member_folder(name)).join("Cargo.toml");
    let mut command = std::process::Command::new(env!("CARGO"));
    command
        .args([
            "tree",
            "--offline",
            "--locked",
            "--no-default-features",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}", "--manifest-path"])
        .arg(manifest);
    if !features.is_empty() {
        command.arg("--features").arg(features.join(","));
    }
    if options.contains(&"--filter-platform") {
        command.args(["--target", "wasm32-unknown-unknown"]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(ToOwned::to_owned)
        .collect()
}

/// Which package of ours may use which: arrows point down, from the server through the app and the directory to the
/// policy.
#[test]
fn packages_of_ours_depend_on_each_other_in_one_direction() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let found = imports(&packages);
    let expected = [
        ("app", vec!["directory", "policy"]),
        ("directory", vec!["policy"]),
        ("policy", vec![]),
        ("server", vec!["app", "directory", "policy"]),
    ]
    .into_iter()
    .map(|(name, uses)| (name.to_owned(), uses.into_iter().map(ToOwned::to_owned).collect()))
    .collect();
    assert_eq!(found, expected);
    // The browser's half of the app cannot see the directory: it is an option that only the server's half takes.
    let app = packages.iter().find(|package| package.name.as_str() == "app").unwrap();
    let directory = app.dependencies.iter().find(|used| used.name == "directory").unwrap();
    assert!(directory.optional);
}

/// docs/architecture.md has a row for each package of ours, which says what the package imports.
#[test]
fn the_map_names_every_package_and_what_it_imports() {
    let map = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let drawn: BTreeMap<_, _> = map
        .lines()
        .skip_while(|line| !line.starts_with("| crate | imports |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|row| {
            let mut cells = row.split('|').skip(1).map(names_in);
            let package = cells.next().and_then(|names| names.into_iter().next());
            (package.unwrap_or_default(), cells.next().unwrap_or_default())
        })
        .collect();
    assert_eq!(drawn, imports(&metadata().workspace_packages()));
}

/// What stands between backticks in a cell of a table.
fn names_in(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

/// What each package of ours imports of the others.
fn imports(packages: &[&Package]) -> BTreeMap<String, Vec<String>> {
    let ours: BTreeSet<_> = packages.iter().map(|package| package.name.to_string()).collect();
    packages
        .iter()
        .map(|package| (package.name.to_string(), uses(package, &ours)))
        .collect()
}

fn uses(package: &Package, ours: &BTreeSet<String>) -> Vec<String> {
    let names: BTreeSet<_> = package
        .dependencies
        .iter()
        .filter(|used| used.kind == DependencyKind::Normal && ours.contains(&used.name))
        .map(|used| used.name.clone())
        .collect();
    names.into_iter().collect()
}

/// All SQL is the directory's: nobody else has a word with the database.
#[test]
fn only_the_directory_speaks_to_the_database() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let has_sqlx = package
            .dependencies
            .iter()
            .any(|used| used.kind == DependencyKind::Normal && used.name.starts_with("sqlx"));
        assert_eq!(has_sqlx, package.name.as_str() == "directory", "{}", package.name);
    }
    let mut wrong = Vec::new();
    for source in sources() {
        if source.path.starts_with("crates/directory/") {
            continue;
        }
        for (number, line) in source.code() {
            let says = [
                "sqlx::",
                "use sqlx",
                "PgPool",
                "SELECT ",
                "INSERT INTO",
                "UPDATE ",
                "DELETE FROM",
            ];
            if says.iter().any(|word| line.contains(word)) {
                wrong.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// R1: only the policy decides by a role. Elsewhere roles are read, written and shown, never weighed: what compares
/// one, or takes a decision out of it, is listed here with its reason.
#[test]
fn only_the_policy_weighs_roles() {
    const ALLOWED: [(&str, &str); 2] = [
        // Says "Owner" in place of the role.
        ("app/src/screens/collaborators/table.rs", "let is_owner ="),
        // Reads a row of the list: what the reason for an access says of the membership.
        ("crates/directory/src/collaborators/list.rs", "_ if is_owner =>"),
    ];
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for source in sources() {
        if source.path.starts_with("crates/policy/") {
            continue;
        }
        for (number, line) in source.code() {
            let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
            let names_role = has(&["ProjectRole::", "OrganizationRole::", "OrganizationStanding::"])
                && has(&["==", "!=", "matches!", " if ", ".cmp(", " < ", " > "]);
            if !(names_role || has(&[".role ==", ".role !=", ".role() ==", ".role() !="])) {
                continue;
            }
            let allowed = ALLOWED
                .iter()
                .position(|(path, text)| source.path == *path && line.contains(text));
            if let Some(at) = allowed {
                used.insert(at);
            } else {
                wrong.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(used.len(), ALLOWED.len(), "an exception that nobody needs any more");
}

/// What is read at once fits on a screen, beside another.
#[test]
fn production_files_and_their_lines_are_short() {
    for source in sources() {
        let path = &source.path;
        let lines = source.text.lines().count();
        assert!(lines <= 500, "{path} has {lines} lines");
        for (number, line) in source.text.lines().enumerate() {
            assert!(line.chars().count() <= 120, "{path}:{} is too long", number + 1);
        }
    }
}

/// No `unsafe`, no `unwrap` and no `expect` outside of tests: the lints that say so are those of the workspace, and
/// every package takes them.
#[test]
fn the_lints_of_the_workspace_hold_in_every_package() {
    for package in metadata().workspace_packages() {
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{}",
            package.manifest_path
        );
    }
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    // Clippy with warnings as errors makes these hold; it is run with every test.
    for lint in [
        "unsafe_code = \"forbid\"",
        "unwrap_used",
        "expect_used",
        "allow_attributes",
    ] {
        assert!(workspace.contains(lint), "{lint}");
    }
}

/// A file of source text.
struct Source {
    /// From the workspace's folder.
    path: String,
    text: String,
}

impl Source {
    /// Its lines, without comments and without what comes with tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .take_while(|(_, line)| !line.starts_with("#[cfg(test)]") && !line.starts_with("#[cfg(all(test"))
            .map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default()))
    }
}

/// The source of every package of ours, tests apart.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for package in metadata().workspace_packages() {
        let folder = package.manifest_path.parent().unwrap().join("src");
        collect(folder.as_std_path(), &mut found);
    }
    assert!(found.len() > 40, "the source was found");
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "tests") {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(Source {
                path: path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned(),
                text: fs::read_to_string(&path).unwrap(),
            });
        }
    }
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap()
}

fn member_folder(name: &str) -> &str {
    match name {
        "app" => "app",
        "policy" => "crates/policy",
        other => panic!("{other}"),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
