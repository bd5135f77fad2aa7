//! The files of the server import each other one way, and so do those of the app: none imports, through any chain,
//! itself.
//!
//! Read from the text of a crate's `src`, without a compiler: every `use`, and every path in the code, that begins with
//! `crate::`, `self::`, `super::`, or the name of a module that the file declares. A path stands for the file of its
//! longest part that is one; declaring a module (`mod name;`) imports nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A module by the names that lead to it from the root, which has none.
type Module = Vec<String>;

/// The source of a crate, without its tests.
struct Sources {
    /// The text of every file, by its module.
    files: BTreeMap<Module, String>,
    /// The names that the root passes on from its modules (`pub use`), where such a name stands for the file it comes
    /// from. Empty where it stands for the root, which imports every file: no file may then take a name from there.
    passed_on: BTreeMap<String, Module>,
}

impl Sources {
    /// Reads the `src` of the crate in this folder of the workspace.
    fn of_crate(folder: &str) -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut files = BTreeMap::new();
        read_files(&workspace.join(folder).join("src"), &Vec::new(), &mut files);
        let passed_on = BTreeMap::new();
        Self { files, passed_on }
    }

    /// The same, with each name that the root passes on standing for the file it comes from.
    fn with_names_passed_on(self) -> Self {
        let code = code_of(&self.files[&Vec::new()]);
        let uses = code.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
        let passed_on = uses
            .flat_map(paths_in)
            .filter_map(|path| Some((path.last()?.clone(), self.longest(Vec::new(), path.clone()))))
            .collect();
        Self { passed_on, ..self }
    }

    /// The file of the longest part of `names`, from the module `from` on, that is one.
    fn longest(&self, from: Module, names: impl IntoIterator<Item = String>) -> Module {
        let mut to = from;
        for name in names {
            to.push(name);
            if !self.files.contains_key(&to) {
                to.pop();
                break;
            }
        }
        to
    }
}

fn read_files(folder: &Path, module: &Module, files: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut inner = module.clone();
        // The program itself is another crate.
        if path.is_dir() {
            if stem != "tests" {
                inner.push(stem);
                read_files(&path, &inner, files);
            }
        } else if stem != "main" || !module.is_empty() {
            if !matches!(stem.as_str(), "lib" | "mod") {
                inner.push(stem);
            }
            files.insert(inner, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The text without comments, and without the module of its tests.
fn code_of(text: &str) -> String {
    let text = text.split("\nmod tests {").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules that a file declares without a body.
fn declared(code: &str) -> Vec<String> {
    let declaration = |line: &str| Some(line.trim().strip_suffix(';')?.rsplit_once("mod ")?.1.to_owned());
    code.lines().filter_map(declaration).collect()
}

/// The code in parts, each with the number of modules with a body (`mod name {`) that it is in.
fn parts(code: &str) -> Vec<(usize, String)> {
    let mut parts: Vec<(usize, String)> = Vec::new();
    let mut indents = Vec::new();
    for line in code.lines() {
        let indent = line.len() - line.trim_start().len();
        if opens_module(line) {
            indents.push(indent);
        } else if line.trim() == "}" && indents.last() == Some(&indent) {
            indents.pop();
        }
        match parts.last_mut() {
            Some((depth, part)) if *depth == indents.len() => part.extend([line, "\n"]),
            _ => parts.push((indents.len(), format!("{line}\n"))),
        }
    }
    parts
}

fn opens_module(line: &str) -> bool {
    let head = line.trim().strip_suffix(" {").and_then(|head| head.rsplit_once("mod "));
    head.is_some_and(|(before, name)| (before.is_empty() || before.starts_with("pub")) && !name.contains(' '))
}

/// Every path in `text`, with the braces of a `use` multiplied out.
fn paths_in(text: &str) -> Vec<Vec<String>> {
    let is_of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_of_path) {
        let from = rest.get(start..).unwrap();
        let end = from.find(|c| !is_of_path(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        let head: Vec<_> = word
            .split("::")
            .filter(|part| !part.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        rest = after;
        if word.ends_with("::") && after.starts_with('{') {
            let close = matching_brace(after);
            let inner = after.get(1..close).unwrap();
            rest = after.get(close..).unwrap();
            for tail in paths_in(inner) {
                found.push(head.iter().cloned().chain(tail).collect());
            }
        } else {
            found.push(head);
        }
    }
    found
}

/// Where the brace that `text` begins with is closed.
fn matching_brace(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// The files that a file imports.
fn imports(module: &Module, sources: &Sources) -> BTreeSet<Module> {
    let code = code_of(&sources.files[module]);
    let children = declared(&code);
    let target = |depth: usize, path: Vec<String>| {
        // A word alone is a name in the code, or a visibility (`pub(crate)`).
        if path.len() < 2 {
            return None;
        }
        let mut names = path.into_iter().peekable();
        let mut from: Module = match names.peek()?.as_str() {
            "crate" => {
                names.next();
                let passed_on = names.peek().and_then(|name| sources.passed_on.get(name));
                passed_on.cloned().unwrap_or_default()
            }
            "self" => names.next().map(|_| module.clone())?,
            "super" => module.clone(),
            child if children.iter().any(|known| known == child) => module.clone(),
            _ => return None,
        };
        // The first ones lead out of the modules with a body, and not yet out of the file.
        for _ in 0..depth {
            names.next_if(|name| name == "super");
        }
        while names.next_if(|name| name == "super").is_some() {
            from.pop();
        }
        let to = sources.longest(from, names);
        (to != *module).then_some(to)
    };
    let parts = parts(&code).into_iter();
    parts
        .flat_map(|(depth, part)| paths_in(&part).into_iter().map(move |path| (depth, path)))
        .filter_map(|(depth, path)| target(depth, path))
        .collect()
}

/// A chain of imports that leads from a file back to itself, if there is one.
fn cycle(sources: &Sources) -> Option<Vec<Module>> {
    let graph: BTreeMap<_, _> = sources
        .files
        .keys()
        .map(|module| (module.clone(), imports(module, sources)))
        .collect();
    let mut finished = BTreeSet::new();
    graph
        .keys()
        .find_map(|module| search(module, &graph, &mut Vec::new(), &mut finished))
}

fn search(
    module: &Module,
    graph: &BTreeMap<Module, BTreeSet<Module>>,
    chain: &mut Vec<Module>,
    finished: &mut BTreeSet<Module>,
) -> Option<Vec<Module>> {
    if let Some(start) = chain.iter().position(|before| before == module) {
        let mut found = chain.split_off(start);
        found.push(module.clone());
        return Some(found);
    }
    if finished.contains(module) {
        return None;
    }
    chain.push(module.clone());
    let found = graph[module]
        .iter()
        .find_map(|next| search(next, graph, chain, finished));
    if found.is_none() {
        chain.pop();
        finished.insert(module.clone());
    }
    found
}

fn shown(chain: &[Module]) -> String {
    let names = chain.iter().map(|module| format!("crate::{}", module.join("::")));
    names.collect::<Vec<_>>().join(" -> ")
}

fn server() -> Sources {
    Sources::of_crate("server")
}

fn app() -> Sources {
    Sources::of_crate("app").with_names_passed_on()
}

fn module(path: &str) -> Module {
    path.split("::").map(ToOwned::to_owned).collect()
}

fn assert_no_circle(sources: &Sources) {
    assert!(sources.files.len() > 50, "the files were found");
    if let Some(chain) = cycle(sources) {
        panic!("an import circle: {}", shown(&chain));
    }
}

#[test]
fn no_file_of_the_server_imports_itself_through_others() {
    let sources = server();
    let imported = imports(&module("state"), &sources);
    assert!(imported.contains(&module("events::broadcast")), "{imported:?}");
    assert_no_circle(&sources);
}

fn directory() -> Sources {
    Sources::of_crate("crates/directory").with_names_passed_on()
}

/// Two files in different rooms that import each other through others, if there are any. A room is a file or a folder
/// beside others; the files of one may need each other.
fn rooms_that_need_each_other(sources: &Sources) -> Option<(Module, Module)> {
    // The root declares every room, and is read by none.
    let files = || sources.files.keys().filter(|module| !module.is_empty());
    let graph: BTreeMap<_, _> = files().map(|module| (module, imports(module, sources))).collect();
    let reached = |from: &Module| {
        let (mut reached, mut next) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = next.pop() {
            if reached.insert(module.clone()) {
                next.extend(graph.get(&module).into_iter().flatten().cloned());
            }
        }
        reached
    };
    let reached: BTreeMap<_, _> = files().map(|module| (module, reached(module))).collect();
    files().find_map(|one| {
        let back = |other: &&Module| reached.get(other).is_some_and(|modules| modules.contains(one));
        let other = reached[one]
            .iter()
            .find(|other| other.first() != one.first() && back(other))?;
        Some((one.clone(), other.clone()))
    })
}

#[test]
fn no_room_of_the_directory_imports_itself_through_others() {
    let sources = directory();
    let imported = imports(&module("authorization::lookup"), &sources);
    assert!(imported.contains(&module("authorization::standing")), "{imported:?}");
    assert_eq!(rooms_that_need_each_other(&sources), None);
    for (file, planted) in [
        ("links", "use crate::takeover::end_everything;\n"),
        ("authorization::target", "use crate::ProjectSummary;\n"),
    ] {
        let mut sources = directory();
        sources.files.get_mut(&module(file)).unwrap().insert_str(0, planted);
        assert!(rooms_that_need_each_other(&sources).is_some(), "{file}: {planted}");
    }
}

#[test]
fn no_file_of_the_app_imports_itself_through_others() {
    let sources = app();
    let imported = imports(&module("outcome"), &sources);
    assert!(imported.contains(&module("problem")), "{imported:?}");
    assert_no_circle(&sources);
}

/// The chain that is found once `planted` stands in front of the file of a module.
fn chain_with(mut sources: Sources, path: &str, planted: &str) -> Option<String> {
    sources.files.get_mut(&module(path)).unwrap().insert_str(0, planted);
    cycle(&sources).map(|chain| shown(&chain))
}

#[test]
fn a_planted_import_circle_is_found() {
    for planted in [
        "use crate::{log, router::{self, router}};\n",
        "use super::router;\n",
        "fn planted() { drop(crate::router::router) }\n",
        "use crate::AppState;\n",
    ] {
        let chain = chain_with(server(), "state", planted).unwrap_or_default();
        assert!(chain.contains("crate::state"), "{planted}: {chain:?}");
    }
    for planted in [
        "use crate::outcome::Outcome;\n",
        "use crate::Outcome;\n",
        "mod inner {\n    use super::super::outcome::Outcome;\n}\n",
    ] {
        let chain = chain_with(app(), "problem", planted).unwrap_or_default();
        assert!(chain.contains("crate::problem"), "{planted}: {chain:?}");
    }
}

#[test]
fn a_module_with_a_body_may_import_from_its_own_file() {
    let planted = "mod inner {\n    use super::Problem;\n}\n";
    assert_eq!(chain_with(app(), "problem", planted), None);
}
