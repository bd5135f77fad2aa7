//! The files of the server import each other one way: none imports, through any chain, itself.
//!
//! Read from the text of `server/src`, without a compiler: every `use`, and every path in the code, that begins with
//! `crate::`, `self::`, `super::`, or the name of a module that the file declares. A path stands for the file of its
//! longest part that is one; declaring a module (`mod name;`) imports nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A module by the names that lead to it from the root, which has none.
type Module = Vec<String>;

/// The text of every file, by its module.
type Sources = BTreeMap<Module, String>;

fn read_sources(folder: &Path, module: &Module, sources: &mut Sources) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut inner = module.clone();
        // The program itself is another crate.
        if path.is_dir() {
            inner.push(stem);
            read_sources(&path, &inner, sources);
        } else if stem != "main" || !module.is_empty() {
            if !matches!(stem.as_str(), "lib" | "mod") {
                inner.push(stem);
            }
            sources.insert(inner, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The text without comments, and without the module of its tests.
fn code_of(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules that a file declares without a body.
fn declared(code: &str) -> Vec<String> {
    let declaration = |line: &str| Some(line.trim().strip_suffix(';')?.rsplit_once("mod ")?.1.to_owned());
    code.lines().filter_map(declaration).collect()
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
    let code = code_of(&sources[module]);
    let children = declared(&code);
    let target = |path: Vec<String>| {
        // A word alone is a name in the code, or a visibility (`pub(crate)`).
        if path.len() < 2 {
            return None;
        }
        let mut names = path.into_iter().peekable();
        let mut to: Module = match names.peek()?.as_str() {
            "crate" => names.next().map(|_| Vec::new())?,
            "self" => names.next().map(|_| module.clone())?,
            "super" => module.clone(),
            child if children.iter().any(|known| known == child) => module.clone(),
            _ => return None,
        };
        while names.next_if(|name| name == "super").is_some() {
            to.pop();
        }
        for name in names {
            to.push(name);
            if !sources.contains_key(&to) {
                to.pop();
                break;
            }
        }
        (to != *module).then_some(to)
    };
    paths_in(&code).into_iter().filter_map(target).collect()
}

/// A chain of imports that leads from a file back to itself, if there is one.
fn cycle(sources: &Sources) -> Option<Vec<Module>> {
    let graph: BTreeMap<_, _> = sources
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
    let mut sources = Sources::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    read_sources(&folder, &Vec::new(), &mut sources);
    sources
}

#[test]
fn no_file_of_the_server_imports_itself_through_others() {
    let sources = server();
    assert!(sources.len() > 50, "the files were found");
    let imported = imports(&vec!["state".to_owned()], &sources);
    assert!(
        imported.contains(&vec!["events".to_owned(), "broadcast".to_owned()]),
        "{imported:?}"
    );
    if let Some(chain) = cycle(&sources) {
        panic!("an import circle: {}", shown(&chain));
    }
}

#[test]
fn a_planted_import_circle_is_found() {
    let mut sources = server();
    let state = vec!["state".to_owned()];
    for planted in [
        "use crate::{log, router::{self, router}};\n",
        "use super::router;\n",
        "fn planted() { drop(crate::router::router) }\n",
        "use crate::AppState;\n",
    ] {
        let text = sources[&state].clone();
        sources.insert(state.clone(), format!("{planted}{text}"));
        let chain = cycle(&sources).map(|chain| shown(&chain)).unwrap_or_default();
        assert!(chain.contains("crate::state"), "{planted}: {chain:?}");
        sources.insert(state.clone(), text);
    }
    assert_eq!(cycle(&sources), None);
}
