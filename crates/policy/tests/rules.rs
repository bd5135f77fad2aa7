//! Every rule that code, tests and documents cite is in docs/rules.md, and every rule that is built is cited by a test.
//!
//! A citation is an id such as C6 in a comment, in prose, at the beginning of a test's name (`fn j6_…`,
//! `test('K2 K3: …')`), or a section as `RULES C`. Code outside of comments cites nothing: `IpAddr::V6` is no rule.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

/// Folders that hold no source of ours. Those whose name begins with a dot are left out as well.
const NOT_OURS: [&str; 5] = [
    "target",
    "node_modules",
    "test-results",
    "playwright-report",
    "blob-report",
];

/// Built rules that no test cites yet. The list may only become shorter: an exception that a test cites fails.
const EXCEPTIONS: [&str; 0] = [];

/// What docs/rules.md says.
#[derive(Debug, Default)]
struct Rules {
    built: BTreeSet<String>,
    planned: BTreeSet<String>,
    /// Ids that stand there more than once.
    doubled: BTreeSet<String>,
}

impl Rules {
    fn parse(text: &str) -> Self {
        let mut rules = Self::default();
        let mut is_planned = false;
        for line in text.lines() {
            is_planned |= line == "## Planned";
            let Some(id) = line.strip_prefix("- **").and_then(|rest| rest.split("**").next()) else {
                continue;
            };
            if ids(id).map(|(_, id)| id).collect::<Vec<_>>() != [id] {
                continue;
            }
            if rules.built.contains(id) || rules.planned.contains(id) {
                rules.doubled.insert(id.to_owned());
            }
            let of = if is_planned {
                &mut rules.planned
            } else {
                &mut rules.built
            };
            of.insert(id.to_owned());
        }
        rules
    }

    fn knows(&self, id: &str) -> bool {
        self.built.contains(id) || self.planned.contains(id)
    }

    /// The letters of the sections.
    fn sections(&self) -> BTreeSet<char> {
        let all = self.built.iter().chain(&self.planned);
        all.filter_map(|id| id.chars().next()).collect()
    }
}

/// What looks like an id of a rule, with the place it begins at: a capital letter and a number below 100 that stand by
/// themselves.
fn ids(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_apart = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || "_\\{%+#".contains(c));
    text.char_indices().filter_map(move |(at, letter)| {
        let number = &text[at + letter.len_utf8()..];
        let number = &number[..number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len())];
        let is_number = matches!(number.len(), 1 | 2) && (number.len() == 1 || !number.starts_with('0'));
        let end = at + 1 + number.len();
        let is_id = letter.is_ascii_uppercase()
            && is_number
            && is_apart(text[..at].chars().next_back())
            && is_apart(text[end..].chars().next());
        is_id.then(|| (at, &text[at..end]))
    })
}

/// The ids that a text cites: those of sections that there are, and whatever stands in a list in parentheses, as in
/// (Q1, Q2).
fn cited(text: &str, sections: &BTreeSet<char>) -> BTreeSet<String> {
    let listed = text
        .split('(')
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .flat_map(|(list, _)| {
            let is_list = list
                .split(", ")
                .all(|part| ids(part).any(|(at, id)| at == 0 && id == part));
            ids(list).filter(move |_| is_list).map(|(_, id)| id.to_owned())
        });
    let plain = ids(text).filter(|(_, id)| id.starts_with(|letter| sections.contains(&letter)));
    plain.map(|(_, id)| id.to_owned()).chain(listed).collect()
}

/// Ids at the beginning of a test's name: of `fn j6_j7_what_it_shows` and of `test('J6 J7: what it shows'`.
fn named(line: &str, kind: &str) -> Vec<String> {
    let is_id = |part: &&str| ids(part).any(|(at, id)| at == 0 && id == *part);
    match kind {
        "rs" => {
            let Some((_, name)) = line.split_once("fn ") else {
                return Vec::new();
            };
            let parts: Vec<_> = name.split('_').map(str::to_uppercase).collect();
            parts.into_iter().take_while(|part| is_id(&part.as_str())).collect()
        }
        "ts" => line
            .split(['\'', '"', '`'])
            .filter_map(|title| title.split_once(": ").map(|(ids, _)| ids.split(' ')))
            .filter(|parts| parts.clone().all(|part| is_id(&part)))
            .flatten()
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// What of a line is comment or prose.
fn prose<'a>(line: &'a str, kind: &str) -> &'a str {
    let after = |mark: &str| {
        let begins = |(at, _): &(usize, &str)| *at == 0 || line[..*at].ends_with([' ', '\t', '(', '{']);
        line.match_indices(mark).find(begins).map_or("", |(at, _)| &line[at..])
    };
    match kind {
        "md" => line,
        "sql" => after("--"),
        "sh" | "toml" | "yml" | "yaml" => after("#"),
        _ if line.trim_start().starts_with(['*', '/']) => line,
        _ => after("//"),
    }
}

/// A Markdown text without what stands in it as code.
fn without_code(text: &str) -> String {
    let mut kept = String::new();
    let mut is_block = false;
    for line in text.lines() {
        let is_fence = line.trim_start().starts_with("```");
        is_block ^= is_fence;
        if !is_fence && !is_block {
            line.split('`')
                .step_by(2)
                .for_each(|part| kept.push_str(&format!("{part} ")));
        }
        kept.push('\n');
    }
    kept
}

/// Whether a file is a test as a whole.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

/// The citations of one file: each id with its lines, and whether one of these is in a test.
fn citations(path: &Path, text: &str, sections: &BTreeSet<char>) -> BTreeMap<String, (Vec<usize>, bool)> {
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    let text = if kind == "md" {
        without_code(text)
    } else {
        text.to_owned()
    };
    let mut found: BTreeMap<String, (Vec<usize>, bool)> = BTreeMap::new();
    let mut in_test = is_test(path) && kind != "md";
    for (number, line) in (1..).zip(text.lines()) {
        // Tests stand at the end of a file.
        in_test |= kind == "rs" && line.starts_with("#[cfg(test)]");
        let names = if in_test { named(line, kind) } else { Vec::new() };
        let prose = prose(line, kind);
        let whole = prose.match_indices("RULES ").filter_map(|(at, _)| {
            let letter = &prose[at + "RULES ".len()..];
            let letter = letter.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
            (letter.len() == 1 && !letter.starts_with(|letter| sections.contains(&letter))).then(|| letter.to_owned())
        });
        for id in cited(prose, sections).into_iter().chain(names).chain(whole) {
            let (lines, by_test) = found.entry(id).or_default();
            lines.push(number);
            *by_test |= in_test;
        }
    }
    found
}

/// The source and the documents of the repository.
fn files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || NOT_OURS.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            files(&path, found)?;
        } else if path.extension().is_some_and(|kind| {
            ["rs", "ts", "mjs", "sql", "css", "md", "sh", "toml", "yml", "yaml"]
                .contains(&kind.to_string_lossy().as_ref())
        }) {
            found.push(path);
        }
    }
    Ok(())
}

#[test]
fn every_cited_rule_exists_and_every_built_rule_is_cited_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let rules = Rules::parse(&fs::read_to_string(root.join("docs/rules.md")).unwrap());
    assert!(
        rules.built.len() > 80 && rules.planned.len() > 40,
        "docs/rules.md isn't read as it is written"
    );
    assert_eq!(rules.doubled, BTreeSet::new(), "one id, one rule");

    let sections = rules.sections();
    let mut paths = Vec::new();
    files(&root, &mut paths).unwrap();
    let (mut unknown, mut tested) = (Vec::new(), BTreeSet::new());
    for path in paths {
        // It has ids of its own to try this test with.
        if path.ends_with("crates/policy/tests/rules.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (id, (lines, by_test)) in citations(&path, &text, &sections) {
            if !rules.knows(&id) {
                let name = path.strip_prefix(&root).unwrap_or(&path).display();
                unknown.push(format!("{name}:{}: {id}", lines[0]));
            } else if by_test {
                tested.insert(id);
            }
        }
    }
    assert!(
        unknown.is_empty(),
        "cited, but not in docs/rules.md:\n{}",
        unknown.join("\n")
    );

    let exceptions: BTreeSet<_> = EXCEPTIONS.map(str::to_owned).into();
    let untested: BTreeSet<_> = rules.built.difference(&tested).cloned().collect();
    assert_eq!(
        untested, exceptions,
        "left: built rules that no test cites; right: EXCEPTIONS. Cite the rule in its test, or shorten the list"
    );
}

/// So that a citation isn't overlooked, and nothing else is taken for one.
#[test]
fn citations_are_told_from_code() {
    let sections = BTreeSet::from(['C', 'K', 'Z']);
    let of = |path: &str, text: &str| {
        let found = citations(Path::new(path), text, &sections);
        found
            .into_iter()
            .map(|(id, (_, by_test))| (id, by_test))
            .collect::<Vec<_>>()
    };
    let some = |ids: &[&str], by_test| ids.iter().map(|id| ((*id).to_owned(), by_test)).collect::<Vec<_>>();
    assert_eq!(
        of("a.rs", "/// Removes them (C6, K5); see Z9, K2 to K4."),
        some(&["C6", "K2", "K4", "K5", "Z9"], false)
    );
    assert_eq!(of("a.rs", "let x = 1; // (Q7)"), some(&["Q7"], false));
    assert_eq!(of("a.rs", "//! What nobody built (RULES Q)"), some(&["Q"], false));
    assert_eq!(of("a.rs", "//! What is built (RULES C)"), some(&[], false));
    assert_eq!(
        of(
            "a.rs",
            "let path = \"C6 0\"; let c = '\\u{C6}'; // H100, UTF-8, RFC 9457, C100, %C3"
        ),
        some(&[], false)
    );
    assert_eq!(
        of(
            "a.rs",
            "/// C1\n#[cfg(test)]\nmod tests {\n    /// C2\n    fn c3_k1_is_kept() {}"
        ),
        [
            ("C1".to_owned(), false),
            ("C2".to_owned(), true),
            ("C3".to_owned(), true),
            ("K1".to_owned(), true),
        ]
    );
    assert_eq!(
        of("tests/a.spec.ts", "test('C2 K3: a key', async () => {"),
        some(&["C2", "K3"], true)
    );
    assert_eq!(of("tests/a.spec.ts", "const at = 'C2';"), some(&[], true));
    assert_eq!(of("a.sql", "-- C2. A row\nSELECT 'K1';"), some(&["C2"], false));
    assert_eq!(
        of("a.md", "Of C2:\n```\nC3\n```\n`K1` and (V1, V2)"),
        some(&["C2", "V1", "V2"], false)
    );
}
