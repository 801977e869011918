//! The rules of the house: `docs/architecture.md` and its neighbours, compared with the tree.
#![cfg(not(loom))]

#[allow(dead_code, unused_imports, reason = "other tests need the rest")]
#[path = "../src/documents.rs"]
mod documents;

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::str::Chars;

use documents::{read, table};

const ARCHITECTURE: &str = "docs/architecture.md";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under a directory whose name ends so, as paths from the root, in order.
fn files(directory: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut pending = vec![PathBuf::from(directory)];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(root().join(&directory)).expect("a directory") {
            let entry = entry.expect("readable");
            let path = directory.join(entry.file_name());
            if !entry.file_type().expect("known").is_dir() {
                found.push(path.to_str().expect("UTF-8").to_owned());
            } else if entry.file_name() != "target" {
                pending.push(path);
            }
        }
    }
    found.retain(|path| path.ends_with(ending));
    found.sort();
    assert!(!found.is_empty(), "no {ending} in {directory}");
    found
}

/// The library's files that are no tests.
fn library() -> Vec<String> {
    let tests = ["src/testing.rs", "src/documents.rs"];
    let mut paths = files("src", ".rs");
    paths.retain(|path| !path.contains("/tests/") && !tests.contains(&path.as_str()));
    paths
}

/// A file without its comments and without the test module at its end.
fn code(path: &str) -> String {
    let text = read(path);
    let lines: Vec<_> = text.lines().map(|line| line.split("//").next().expect("a part")).collect();
    let starts_tests = |pair: &[&str]| {
        pair[0].starts_with("#[cfg(") && pair[0].contains("test") && pair[1].starts_with("mod tests {")
    };
    let end = lines.windows(2).position(starts_tests).unwrap_or(lines.len());
    lines[..end].join("\n")
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// The paths of a tree as `use` has it, such as `a::{b, c::D}`.
fn leaves(text: &mut Peekable<Chars<'_>>, prefix: String, found: &mut Vec<String>) {
    let blank = |text: &mut Peekable<Chars<'_>>| while text.next_if(|c| c.is_whitespace()).is_some() {};
    blank(text);
    if text.next_if_eq(&'{').is_some() {
        while text.peek().is_some_and(|c| *c != '}') {
            leaves(text, prefix.clone(), found);
            while text.next_if(|c| !",}".contains(*c)).is_some() {}
            text.next_if_eq(&',');
            blank(text);
        }
        text.next();
        return;
    }
    let mut path = prefix;
    while let Some(c) = text.next_if(|c| c.is_alphanumeric() || "_*".contains(*c)) {
        path.push(c);
    }
    let mut ahead = text.clone();
    if (ahead.next(), ahead.next()) == (Some(':'), Some(':')) && !path.is_empty() {
        *text = ahead;
        return leaves(text, path + "::", found);
    }
    found.push(path);
}

/// What the crate exports at its root, and the module that it is from.
fn exports() -> BTreeMap<String, String> {
    let code = code("src/lib.rs");
    let (_, tree) = code.split_once("pub use {").expect("the exports");
    let mut paths = Vec::new();
    leaves(&mut format!("{{{tree}").chars().peekable(), String::new(), &mut paths);
    let last = |path: &str| path.rsplit("::").next().expect("a part").to_owned();
    paths.retain(|path| !path.starts_with("ringway_macros"));
    paths.iter().map(|path| (last(path), path.split("::").next().expect("a part").to_owned())).collect()
}

/// The paths in the crate that a file names, as `module::…`.
fn imports(path: &str) -> BTreeSet<String> {
    let (code, exports) = (code(path), exports());
    let mut paths = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        if !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            leaves(&mut code[at + found.len()..].chars().peekable(), String::new(), &mut paths);
        }
    }
    let resolve = |path: String| match exports.get(path.split("::").next().expect("a part")) {
        Some(module) => format!("{module}::{path}"),
        None => path,
    };
    paths.into_iter().map(resolve).collect()
}

/// `src/a/b.rs` and `src/a.rs` are of the module `a`.
fn module(path: &str) -> &str {
    path["src/".len()..].split(['/', '.']).next().expect("a part")
}

#[test]
fn paths_are_found_in_trees() {
    let mut found = Vec::new();
    leaves(&mut "{a::{B, c::D},\n E, f::g(x)}".chars().peekable(), String::new(), &mut found);
    assert_eq!(found[..3], ["a::B", "a::c::D", "E"]);
    assert_eq!(exports().get("Message").map(String::as_str), Some("message"));
    assert!(imports("src/channel/open.rs").contains("channel::Error"));
    assert!(imports("src/channel/open.rs").contains("segment::Layout"));
}

#[test]
fn modules_import_what_the_table_says_and_only_from_above() {
    let mut actual: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in library().iter().filter(|path| *path != "src/lib.rs") {
        let own = module(path);
        let others = actual.entry(own.to_owned()).or_default();
        let named = imports(path);
        let named = named.iter().map(|path| path.split("::").next().expect("a part").to_owned());
        others.extend(named.filter(|other| other != own && other != "testing"));
    }
    let mut above = BTreeSet::new();
    let mut documented = BTreeMap::new();
    for row in table(ARCHITECTURE, "Imports") {
        let others: BTreeSet<String> = row[1].split_whitespace().map(str::to_owned).collect();
        assert!(others.is_subset(&above), "`{}` imports {others:?}, of which not all stand above it", row[0]);
        above.insert(row[0].clone());
        documented.insert(row[0].clone(), others);
    }
    assert_eq!(documented, actual, "the table (left) is not the code (right)");
}

#[test]
fn no_import_goes_round_the_table() {
    for path in library() {
        let code = code(&path);
        assert!(!code.contains("super::super"), "{path}: write `crate::…` instead of `super::super`");
        let root_is_above =
            path.matches('/').count() == 1 || path.matches('/').count() == 2 && path.ends_with("/mod.rs");
        let outermost = |line: &&str| line.contains("super::") && !line.starts_with(' ');
        let line = code.lines().find(outermost);
        assert!(!root_is_above || line.is_none(), "{path}: {line:?} names the crate's root");
    }
}

#[test]
fn a_segment_knows_no_step_of_a_ring() {
    for path in library().iter().filter(|path| module(path) == "segment") {
        let steps = |name: &&String| name.starts_with("protocol::sole") || name.starts_with("protocol::peer");
        assert_eq!(imports(path).iter().find(steps), None, "{path}");
    }
}

#[test]
fn unsafe_code_stands_in_the_listed_files_only() {
    let listed: Vec<_> =
        table(ARCHITECTURE, "Files with unsafe code").into_iter().map(|row| row[0].clone()).collect();
    let mut allowing = library();
    allowing.retain(|path| words(&code(path)).any(|word| word == "unsafe_code"));
    assert_eq!(listed, allowing, "the table (left) is not the code (right)");
    for path in library() {
        let found = words(&code(&path)).any(|word| word == "unsafe");
        assert!(!found || listed.contains(&path), "{path}: unsafe code in a file that is not listed");
    }
    let manifest = read("Cargo.toml");
    assert!(manifest.contains("unsafe_code = \"deny\""), "what makes the list complete");
}

#[test]
fn orderings_stand_in_the_listed_places_only() {
    const ORDERINGS: [&str; 6] = ["Ordering", "Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];
    let places: Vec<_> =
        table(ARCHITECTURE, "Places with an ordering").into_iter().map(|row| row[0].clone()).collect();
    let mut used = BTreeSet::new();
    for path in library() {
        if words(&code(&path)).any(|word| ORDERINGS.contains(&word)) {
            let place = places.iter().find(|place| path.starts_with(*place));
            used.insert(place.unwrap_or_else(|| panic!("{path}: an ordering in a place that is not listed")));
        }
    }
    assert_eq!(used.len(), places.len(), "a place is listed that has no ordering: {places:?}");
}

/// All of our Rust.
fn sources() -> Vec<String> {
    let mut paths: Vec<_> = ["src", "macros", "tests", "benches", "examples"]
        .iter()
        .flat_map(|part| files(part, ".rs"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn files_are_short() {
    let long = |path: &String| {
        let most = match path.rsplit('/').next() {
            Some("lib.rs") => 150,
            Some("mod.rs") if path.starts_with("src/") && !path.contains("/tests/") => 80,
            _ => 400,
        };
        read(path).lines().count() > most
    };
    let long: Vec<_> = sources().into_iter().filter(long).collect();
    assert!(long.is_empty(), "these files are longer than the rule: {long:?}");
}

#[test]
fn no_file_is_a_drawer_and_nothing_is_left_to_do() {
    for path in sources() {
        let stem = Path::new(&path).file_stem().and_then(|stem| stem.to_str()).expect("UTF-8");
        assert!(!["util", "utils", "common", "base", "details", "helpers", "misc"].contains(&stem), "{path}");
        let code = code(&path);
        for mark in ["todo", "unimplemented", "dbg"] {
            assert!(!code.contains(&format!("{mark}!(")), "{path}: {mark}!");
        }
    }
}

/// The names in `call("name"` in the library.
fn named(calls: &[&str]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for code in library().iter().map(|path| code(path)) {
        for call in calls {
            let call = format!("{call}(\"");
            let parts = code.split(&call).skip(1);
            names.extend(parts.map(|part| part.split('"').next().expect("a part").to_owned()));
        }
    }
    names
}

fn first_cells(rows: &[Vec<String>]) -> BTreeSet<String> {
    let cells: BTreeSet<_> = rows.iter().map(|row| row[0].clone()).collect();
    assert_eq!(cells.len(), rows.len(), "a row stands twice");
    cells
}

#[track_caller]
fn assert_test_exists(file: &str, test: &str) {
    assert!(read(file).contains(&format!("#[test]\nfn {test}()")), "{file} has no test `{test}`");
}

#[test]
fn every_mutant_is_documented_with_the_test_that_catches_it() {
    let rows = table("docs/orderings.md", "Mutants");
    assert_eq!(
        first_cells(&rows),
        named(&["weakened", "mutant"]),
        "the table (left) is not the code (right)"
    );
    for row in rows {
        let tests: Vec<_> = row[2].split_whitespace().collect();
        assert!(!tests.is_empty(), "`{}` is caught by nothing", row[0]);
        for test in tests {
            let (module, test) = test.split_once("::").expect("module::test");
            assert_test_exists(&format!("tests/loom/src/{module}.rs"), test);
        }
    }
}

#[test]
fn every_named_ordering_is_documented() {
    let page = read("docs/orderings.md");
    let pairs = first_cells(&table("docs/orderings.md", "Pairs"));
    for path in library().iter().filter(|path| module(path) == "protocol") {
        let text = read(path);
        for line in text.lines().filter(|line| line.contains(": Ordering = ")) {
            let name = line.split([' ', ':']).nth(1).expect("a constant");
            assert!(page.contains(&format!("`{name}`")), "{path}: `{name}` is not documented");
        }
        for cited in text.split("/// E").skip(1).filter(|cited| cited.starts_with(|c: char| c.is_numeric())) {
            let digits = cited.split(|c: char| !c.is_numeric()).next().expect("a part");
            assert!(pairs.contains(&format!("E{digits}")), "{path}: E{digits} is not documented");
        }
    }
}

#[test]
fn every_crash_point_is_documented_with_the_tests_that_kill_there() {
    let rows = table("docs/liveness.md", "Every crash point");
    assert_eq!(first_cells(&rows), named(&["crash_point"]), "the table (left) is not the code (right)");
    let tests = table("docs/liveness.md", "Tests");
    let tags = first_cells(&tests);
    for row in rows {
        assert!(!row[4].is_empty(), "nothing kills at `{}`", row[0]);
        row[4].split_whitespace().for_each(|tag| assert!(tags.contains(tag), "{tag} of `{}`", row[0]));
    }
    for row in tests {
        assert_test_exists(&row[1], row[2].split(':').next().expect("a part"));
    }
}

#[test]
fn each_row_of_the_threats_names_a_test() {
    let rows = table("docs/limitations.md", "Trust");
    assert!(rows.len() >= 8, "{} rows", rows.len());
    for row in rows {
        let (file, tests) = row[4].split_once(": ").expect("a file and a test");
        assert_test_exists(file, tests.split(';').next().expect("a part"));
    }
}

fn pages() -> Vec<String> {
    let mut pages = files("docs", ".md");
    pages.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].map(str::to_owned));
    pages
}

/// The targets of a page's links that lead into the repository.
fn links(page: &str) -> Vec<String> {
    let text = read(page);
    let targets = text.split("](").skip(1).map(|rest| rest.split(')').next().expect("a part").to_owned());
    targets.filter(|target| !target.contains("://")).collect()
}

/// What a page's headings are called in links.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings =
        read(page).lines().filter(|line| line.starts_with('#')).map(str::to_lowercase).collect::<Vec<_>>();
    let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    let anchor = |heading: &String| heading.chars().filter(kept).collect::<String>().trim().replace(' ', "-");
    headings.iter().map(anchor).collect()
}

#[test]
fn every_link_and_every_path_of_a_page_leads_somewhere() {
    for page in pages() {
        let directory = Path::new(&page).parent().expect("a file").to_owned();
        for link in links(&page) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target =
                if file.is_empty() { page.clone() } else { directory.join(file).display().to_string() };
            assert!(root().join(&target).exists(), "{page}: the link to {link} leads nowhere");
            assert!(anchor.is_empty() || anchors(&target).contains(anchor), "{page}: {link} is no heading");
        }
        let text = read(&page);
        for name in text.split('`').skip(1).step_by(2) {
            let parts = ["src/", "tests/", "docs/", "benches/", "scripts/", "examples/", "macros/"];
            if parts.iter().any(|part| name.starts_with(part)) && !name.contains([' ', '*']) {
                assert!(root().join(name).exists(), "{page}: {name} is not there");
            }
        }
    }
}

#[test]
fn the_readme_leads_to_every_document() {
    let linked = links("README.md");
    for page in files("docs", ".md") {
        let found = linked.iter().any(|link| link.split('#').next() == Some(&page));
        assert!(found, "README.md has no link to {page}");
    }
}

#[test]
fn what_errors_say_in_the_guide_they_say() {
    let sources: String = library().iter().map(|path| read(path)).collect();
    // A text goes on in the next line of the source, behind a backslash.
    let joined: Vec<_> = sources.split("\\\n").map(str::trim_start).collect();
    let said = joined.concat();
    let rows = table("docs/guide.md", "What an error says, and what to do");
    assert!(rows.len() > 8);
    for row in rows {
        let text = &row[0];
        let parts = text.split(['…', '`']).map(str::trim).filter(|part| part.len() > 3);
        for part in parts {
            assert!(said.contains(part), "no error says {part:?}");
        }
    }
}
