//! What `derive(Message)` refuses, and how it says so.
//!
//! Each file in `tests/compile/ui` is a program with one mistake, and a comment `//~ ERROR: sentence` on the
//! line that is to be blamed. As it is it must fail with one error, at that line, that has the sentence in
//! it. With the feature `fixed`, which changes just the mistake, it must compile: so it fails for the
//! reason stated. All files are programs of one package, so that cargo checks them in one go; the other files
//! in `tests/compile` are the crates that it depends on, besides ringway.
#![cfg(not(loom))]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

const CASES: &str = "tests/compile/ui";

/// The crates beside the cases, and what their manifests say of the library.
const CRATES: [(&str, &str); 2] = [("rewriting", "proc-macro = true"), ("words", "doctest = false")];

struct Case {
    path: PathBuf,
    sentence: String,
    line: usize,
}

/// An error of the compiler: where, and all it said.
#[derive(Debug)]
struct Reported {
    file: String,
    line: usize,
    text: String,
}

#[test]
fn each_refusal_names_the_line_and_the_remedy_and_its_twin_compiles() {
    let cases = cases();
    assert!(cases.len() >= 40, "only {} cases were found", cases.len());
    let package = package(&cases);
    let mut failures = String::new();

    let fixed = check(&package, &["--features", "fixed"]);
    for error in errors(&fixed) {
        writeln!(failures, "the fixed form of {} does not compile: {}", error.file, error.text).unwrap();
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(fixed.contains("Finished"), "{fixed}");

    let mut found: BTreeMap<String, Vec<Reported>> = BTreeMap::new();
    for error in errors(&check(&package, &[])) {
        found.entry(error.file.clone()).or_default().push(error);
    }
    for (name, case) in &cases {
        match found.remove(&format!("{name}.rs")).unwrap_or_default().as_slice() {
            [error] if error.text.contains(&case.sentence) && error.line == case.line => {}
            [] => writeln!(failures, "{name}: it compiles, or another error hides its own").unwrap(),
            errors => {
                writeln!(failures, "{name}: expected at line {}: {}", case.line, case.sentence).unwrap();
                for Reported { line, text, .. } in errors {
                    writeln!(failures, "    found at line {line}: {text}").unwrap();
                }
            }
        }
    }
    for error in found.into_values().flatten() {
        writeln!(failures, "{}: an error outside all cases: {}", error.file, error.text).unwrap();
    }
    assert!(failures.is_empty(), "{failures}");
}

fn cases() -> BTreeMap<String, Case> {
    let mut cases = BTreeMap::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(CASES)).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let mut marks = text
            .lines()
            .zip(1..)
            .filter_map(|(text, line)| Some((text.split_once("//~ ERROR: ")?.1.trim_end().to_owned(), line)));
        let (Some((sentence, line)), None) = (marks.next(), marks.next()) else {
            panic!("{} has not just one `//~ ERROR: ` comment", path.display());
        };
        assert!(text.contains("feature = \"fixed\""), "{} has no fixed form", path.display());
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        cases.insert(name, Case { path, sentence, line });
    }
    cases
}

/// The package whose programs are the cases. Another run of this test may use it at the same time: files are
/// put in place whole, and only cargo, which locks, writes the rest.
fn package(cases: &BTreeMap<String, Case>) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile");
    fs::create_dir_all(&package).unwrap();
    let mut manifest = format!(
        "[package]\nname = \"cases\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [features]\nfixed = []\n\n[dependencies]\nringway = {{ path = {root:?} }}\n"
    );
    for (name, library) in CRATES {
        writeln!(manifest, "{name} = {{ path = {name:?} }}").unwrap();
        let mut its = format!("[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n");
        let path = root.join("tests/compile").join(name).with_extension("rs");
        write!(its, "[lib]\npath = {path:?}\n{library}\n\n").unwrap();
        if !library.contains("proc-macro") {
            writeln!(its, "[dependencies]\nringway = {{ path = {root:?} }}").unwrap();
        }
        fs::create_dir_all(package.join(name)).unwrap();
        put(&package.join(name).join("Cargo.toml"), its.as_bytes());
    }
    for (name, case) in cases {
        write!(manifest, "\n[[bin]]\nname = \"{name}\"\npath = {:?}\n", case.path).unwrap();
    }
    put(&package.join("Cargo.toml"), manifest.as_bytes());
    // The versions that the workspace has, which are the ones on this machine.
    if let Ok(lock) = fs::read(root.join("Cargo.lock")) {
        if put(&package.join("workspace.lock"), &lock) {
            put(&package.join("Cargo.lock"), &lock);
        }
    }
    package
}

/// Says whether the file had another content.
fn put(path: &Path, content: &[u8]) -> bool {
    if fs::read(path).is_ok_and(|present| present == content) {
        return false;
    }
    let whole = path.with_extension(format!("{}.new", process::id()));
    fs::write(&whole, content).unwrap();
    fs::rename(&whole, path).unwrap();
    true
}

fn check(package: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--keep-going", "--color", "never", "--target-dir"])
        .arg(package.join("target"))
        .args(arguments)
        .current_dir(package)
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The errors. For each program that fails cargo adds one that says just this, somewhere.
fn errors(output: &str) -> Vec<Reported> {
    let mut errors = Vec::new();
    for block in output.split("\n\n") {
        let starts = |line: &str| line.starts_with("error") && !line.contains("could not compile");
        let Some(start) = block.lines().position(starts) else { continue };
        // The compiler shows the source, and in it the comment with the sentence: that is not its own word.
        let said = |line: &'_ str| line.split("//~").next().unwrap_or_default().to_owned();
        let text: Vec<String> = block.lines().skip(start).map(said).collect();
        let place = text.iter().find_map(|line| line.trim_start().strip_prefix("--> "));
        let Some((file, line)) = place.and_then(|place| {
            let mut parts = place.rsplitn(3, ':').skip(1);
            let line = parts.next()?.parse().ok()?;
            Some((Path::new(parts.next()?).file_name()?.to_str()?.to_owned(), line))
        }) else {
            panic!("an error that has no place: {block}");
        };
        errors.push(Reported { file, line, text: text.join("\n") });
    }
    errors
}
