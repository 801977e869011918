//! The text format of Prometheus, version 0.0.4: families of samples, each with what it is.

use std::fmt;

use crate::value::is_visible;

/// What HTTP calls it.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Samples that have their name in common.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// A sentence without backslashes.
    pub(super) help: &'static str,
}

/// How a value changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It grows, but for when it begins anew.
    Counter,
    Gauge,
}

/// A label and its value.
pub(super) type Label<'l> = (&'l str, &'l str);

/// All samples, those of a family together.
#[derive(Debug)]
pub(super) struct Page {
    families: &'static [Family],
    /// Of each family.
    samples: Vec<String>,
}

impl Page {
    pub(super) fn new(families: &'static [Family]) -> Self {
        Self { families, samples: vec![String::new(); families.len()] }
    }

    /// Adds a sample.
    ///
    /// # Panics
    ///
    /// If there is no such family.
    pub(super) fn add(&mut self, family: &str, labels: &[Label<'_>], value: impl fmt::Display) {
        let at = self.families.iter().position(|one| one.name == family).expect("there is such a family");
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", label(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.samples[at].push_str(&format!("{family}{labels} {value}\n"));
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (Family { name, kind, help }, samples) in self.families.iter().zip(&self.samples) {
            if samples.is_empty() {
                continue;
            }
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
            };
            write!(f, "# HELP {name} {help}\n# TYPE {name} {kind}\n{samples}")?;
        }
        Ok(())
    }
}

/// The value of a label as it is written. The format knows three escapes; what else would control a terminal is first
/// written as Rust escapes it.
pub(super) fn label(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut push = |char| match char {
        '\\' => text.push_str("\\\\"),
        '"' => text.push_str("\\\""),
        '\n' => text.push_str("\\n"),
        _ => text.push(char),
    };
    for char in value.chars() {
        if char == '\n' || is_visible(char) {
            push(char);
        } else {
            char.escape_debug().for_each(&mut push);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILIES: [Family; 3] = [
        Family { name: "one_total", kind: Kind::Counter, help: "One." },
        Family { name: "none", kind: Kind::Gauge, help: "None." },
        Family { name: "two", kind: Kind::Gauge, help: "Two." },
    ];

    #[test]
    fn the_samples_of_a_family_are_together_behind_what_it_is() {
        let mut page = Page::new(&FAMILIES);
        page.add("two", &[], 1.5);
        page.add("one_total", &[("a", "x"), ("b", "")], 3);
        page.add("two", &[("a", "y")], u64::MAX);
        let expected = "# HELP one_total One.\n# TYPE one_total counter\none_total{a=\"x\",b=\"\"} 3\n\
            # HELP two Two.\n# TYPE two gauge\ntwo 1.5\ntwo{a=\"y\"} 18446744073709551615\n";
        assert_eq!(page.to_string(), expected);
    }

    #[test]
    fn a_label_may_have_any_text() {
        assert_eq!(label("a\\b\"c\nd'ü"), "a\\\\b\\\"c\\nd'ü");
        assert_eq!(label("\u{1b}[31m\r\t"), "\\\\u{1b}[31m\\\\r\\\\t");
    }
}
