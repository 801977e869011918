//! A strict reader of the text format of Prometheus: what the format lets a writer choose has to be one way here.

use std::collections::{BTreeMap, BTreeSet};

pub(crate) type Labels = BTreeMap<String, String>;

/// What a page says.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// By name and labels.
    pub(crate) samples: BTreeMap<(String, Labels), f64>,
    pub(crate) counters: BTreeSet<String>,
}

impl Page {
    /// # Panics
    ///
    /// If a line breaks a rule: which, and what is wrong.
    #[track_caller]
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text.strip_suffix('\n').unwrap_or_else(|| panic!("the last line does not end: {text:?}"));
        let mut page = Self::default();
        let mut described = BTreeSet::new();
        let mut lines = lines.split('\n').peekable();
        while let Some(line) = lines.next() {
            let help =
                line.strip_prefix("# HELP ").unwrap_or_else(|| panic!("no family begins with {line:?}"));
            let (name, help) = help.split_once(' ').unwrap_or_else(|| panic!("no help: {line:?}"));
            assert!(is_name(name, true), "{line:?}");
            assert!(!help.contains('\\') && help.ends_with('.'), "{line:?}");
            assert!(described.insert(name.to_owned()), "the family {name} comes twice");
            let is_counter = match lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {name} ")))
            {
                Some("counter") => true,
                Some("gauge") => false,
                other => panic!("the type of {name} is {other:?}"),
            };
            assert_eq!(is_counter, name.ends_with("_total"), "{name}");
            if is_counter {
                page.counters.insert(name.to_owned());
            }
            assert!(lines.peek().is_some_and(|line| !line.starts_with('#')), "{name} has no samples");
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                let (labels, value) = sample(line, name);
                assert!(!is_counter || value >= 0.0 && value.fract() == 0.0, "{line:?}");
                assert!(page.samples.insert((name.to_owned(), labels), value).is_none(), "twice: {line:?}");
            }
        }
        page
    }

    /// The value of the only sample of that name that has at least these labels.
    #[track_caller]
    pub(crate) fn get(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let all = self.all(name, labels);
        assert_eq!(all.len(), 1, "{name} {labels:?}: {all:?} of {self:#?}");
        *all[0].1
    }

    /// All samples of that name that have at least these labels.
    pub(crate) fn all(&self, name: &str, labels: &[(&str, &str)]) -> Vec<(&Labels, &f64)> {
        let has =
            |of: &Labels| labels.iter().all(|(label, value)| of.get(*label).is_some_and(|has| has == value));
        let all = self.samples.iter().filter(|((of, labels), _)| of == name && has(labels));
        all.map(|((_, labels), value)| (labels, value)).collect()
    }
}

/// Whether it may be the name of a family, or of a label, which has no colons.
fn is_name(name: &str, of_family: bool) -> bool {
    let is_right = |char: char| char.is_ascii_alphanumeric() || char == '_' || of_family && char == ':';
    name.chars().all(is_right) && !name.is_empty() && !name.starts_with(|char: char| char.is_ascii_digit())
}

#[track_caller]
fn sample(line: &str, name: &str) -> (Labels, f64) {
    let rest = line.strip_prefix(name).unwrap_or_else(|| panic!("{line:?} is none of {name}"));
    let (labels, value) = match rest.strip_prefix('{') {
        None => (Labels::new(), rest),
        Some(rest) => labels(rest, line),
    };
    let value = value.strip_prefix(' ').unwrap_or_else(|| panic!("no value: {line:?}"));
    assert!(value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'), "{line:?}");
    (labels, value.parse().unwrap_or_else(|error| panic!("{error}: {line:?}")))
}

/// The labels, and what follows them.
#[track_caller]
fn labels<'l>(mut rest: &'l str, line: &str) -> (Labels, &'l str) {
    let mut labels = Labels::new();
    loop {
        let (name, value) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line:?}"));
        assert!(is_name(name, false) && !name.starts_with("__"), "{line:?}");
        let (mut text, mut chars) = (String::new(), value.chars());
        loop {
            match chars.next() {
                Some('"') => break,
                Some('\\') => match chars.next() {
                    Some('n') => text.push('\n'),
                    Some(char @ ('\\' | '"')) => text.push(char),
                    other => panic!("{other:?} is escaped: {line:?}"),
                },
                Some(char) => text.push(char),
                None => panic!("a label does not end: {line:?}"),
            }
        }
        assert!(labels.insert(name.to_owned(), text).is_none(), "a label comes twice: {line:?}");
        rest = chars.as_str();
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return (labels, rest.strip_prefix('}').unwrap_or_else(|| panic!("no end: {line:?}"))),
        }
    }
}
