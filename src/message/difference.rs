//! The first place where two schemas differ, in words.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::display::KindAndName;
use super::tree::{EnumTree, SchemaTree, StructTree};

/// The first difference between the schema this program expects and the one found in a segment.
///
/// `Display` says it in a sentence that speaks of "this program" and "the segment".
///
/// ```
/// use ringway::Message;
/// use ringway::message::first_difference;
///
/// #[derive(Message, Clone, Copy)]
/// #[message(name = "Tick")]
/// #[repr(C)]
/// struct Here { price: f64, size: u64 }
///
/// #[derive(Message, Clone, Copy)]
/// #[message(name = "Tick")]
/// #[repr(C)]
/// struct There { price: f64, size: f64 }
///
/// let difference = first_difference(&Here::SCHEMA.tree(), &There::SCHEMA.tree()).expect("there is one");
/// assert_eq!(difference.path(), "size");
/// let text = "field `size`: this program has u64 @8, the segment has f64 @8";
/// assert_eq!(difference.to_string(), text);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    path: String,
    what: String,
}

impl Difference {
    /// The field that differs, from the outermost struct on: `quote.bid.price`, `levels[].size`. Empty if it
    /// is the message itself.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.what),
            path => write!(f, "field `{path}`: {}", self.what),
        }
    }
}

/// Compares what this program expects with what it found. `None` if the schemas are equal.
///
/// Names come first, then which fields there are and in which order, then field by field what they are:
/// so a renamed, a reordered, a missing and a changed field are told apart.
///
/// ```
/// use ringway::Message;
/// use ringway::message::first_difference;
///
/// let (two, three) = (<[u32; 2]>::SCHEMA.tree(), <[u32; 3]>::SCHEMA.tree());
/// assert_eq!(first_difference(&two, &two), None);
/// let difference = first_difference(&two, &three).expect("there is one");
/// assert_eq!(difference.to_string(), "this program has 2 elements, the segment has 3 elements");
/// ```
#[must_use]
pub fn first_difference(expected: &SchemaTree, found: &SchemaTree) -> Option<Difference> {
    difference(&mut String::new(), None, expected, found)
}

/// Recurses as deep as the schemas, which are limited. `offset` is that of the field at `path`, for the
/// sentence.
fn difference(
    path: &mut String,
    offset: Option<u64>,
    expected: &SchemaTree,
    found: &SchemaTree,
) -> Option<Difference> {
    let say = |path: &str, what: String| Some(Difference { path: path.to_owned(), what });
    let at = offset.map(|offset| format!(" @{offset}")).unwrap_or_default();
    match (expected, found) {
        (SchemaTree::Struct(expected), SchemaTree::Struct(found)) => match structs(expected, found) {
            Some(what) => say(path, what),
            None => fields(path, expected, found),
        },
        (SchemaTree::Enum(expected), SchemaTree::Enum(found)) => {
            enums(expected, found).and_then(|what| say(path, what))
        }
        (SchemaTree::Array(expected), SchemaTree::Array(found)) => {
            if expected.len != found.len {
                return say(path, both(elements(expected.len), elements(found.len)));
            }
            let outer = path.len();
            path.push_str("[]");
            let inner = difference(path, None, &expected.element, &found.element);
            path.truncate(outer);
            inner
        }
        (SchemaTree::Primitive(expected), SchemaTree::Primitive(found)) if expected == found => None,
        (expected, found) => {
            say(path, both(format!("{}{at}", KindAndName(expected)), format!("{}{at}", KindAndName(found))))
        }
    }
}

fn both(expected: impl fmt::Display, found: impl fmt::Display) -> String {
    format!("this program has {expected}, the segment has {found}")
}

fn elements(len: u64) -> String {
    format!("{len} {}", if len == 1 { "element" } else { "elements" })
}

/// What two structs differ in before any field is looked into.
fn structs(expected: &StructTree, found: &StructTree) -> Option<String> {
    titles("message", (&expected.name, expected.version), (&found.name, found.version)).or_else(|| {
        let expected_names: Vec<&str> = expected.fields.iter().map(|field| &*field.name).collect();
        let found_names: Vec<&str> = found.fields.iter().map(|field| &*field.name).collect();
        names("field", &expected.name, &expected_names, &found_names)
    })
}

fn titles(kind: &str, expected: (&str, u32), found: (&str, u32)) -> Option<String> {
    if expected.0 != found.0 {
        return Some(both(format_args!("{kind} `{}`", expected.0), format_args!("{kind} `{}`", found.0)));
    }
    if expected.1 != found.1 {
        let versions = both(format_args!("version {}", expected.1), format_args!("version {}", found.1));
        return Some(format!("{kind} `{}`: {versions}", expected.0));
    }
    None
}

/// Whether the parts of `owner` have the same names in the same order, and if not, what was done to them.
fn names(kind: &str, owner: &str, expected: &[&str], found: &[&str]) -> Option<String> {
    let index = expected.iter().zip(found).take_while(|(expected, found)| expected == found).count();
    let in_expected: HashSet<&str> = expected.iter().copied().collect();
    let in_found: HashSet<&str> = found.iter().copied().collect();
    let only_here =
        |name: &str| format!("`{owner}`: {kind} `{name}` is in this program but not in the segment");
    let only_there =
        |name: &str| format!("`{owner}`: {kind} `{name}` is in the segment but not in this program");
    let (here, there) = match (expected.get(index), found.get(index)) {
        (None, None) => return None,
        (Some(here), None) => return Some(only_here(here)),
        (None, Some(there)) => return Some(only_there(there)),
        (Some(here), Some(there)) => (*here, *there),
    };
    Some(match (in_found.contains(here), in_expected.contains(there)) {
        (false, false) => {
            let number = index + 1;
            let names = both(format_args!("`{here}`"), format_args!("`{there}`"));
            format!("`{owner}`: {kind} {number} is named differently: {names}")
        }
        (false, true) => only_here(here),
        (true, false) => only_there(there),
        (true, true) => {
            let number = index + 1;
            let names = both(format_args!("`{here}`"), format_args!("`{there}`"));
            format!("`{owner}`: the {kind}s are in another order: as {kind} {number} {names}")
        }
    })
}

/// Two structs with fields of the same names.
fn fields(path: &mut String, expected: &StructTree, found: &StructTree) -> Option<Difference> {
    for (expected, found) in expected.fields.iter().zip(&found.fields) {
        let outer = path.len();
        if outer > 0 {
            path.push('.');
        }
        path.push_str(&expected.name);
        let inner = difference(path, Some(expected.offset), &expected.schema, &found.schema).or_else(|| {
            (expected.offset != found.offset).then(|| Difference {
                path: path.clone(),
                what: both(
                    format_args!("it at byte {}", expected.offset),
                    format_args!("it at byte {}", found.offset),
                ),
            })
        });
        path.truncate(outer);
        if inner.is_some() {
            return inner;
        }
    }
    let what = if expected.size != found.size {
        both(format_args!("{} bytes", expected.size), format_args!("{} bytes", found.size))
    } else if expected.align != found.align {
        both(format_args!("alignment {}", expected.align), format_args!("alignment {}", found.align))
    } else {
        return None;
    };
    Some(Difference { path: path.clone(), what: format!("message `{}`: {what}", expected.name) })
}

fn enums(expected: &EnumTree, found: &EnumTree) -> Option<String> {
    titles("enum", (&expected.name, expected.version), (&found.name, found.version)).or_else(|| {
        if expected.repr != found.repr {
            let reprs = both(expected.repr.name(), found.repr.name());
            return Some(format!("enum `{}`: {reprs}", expected.name));
        }
        let values: HashMap<&str, u32> =
            found.variants.iter().map(|variant| (&*variant.name, variant.value)).collect();
        let changed = expected.variants.iter().find_map(|variant| {
            let value = *values.get(&*variant.name)?;
            (value != variant.value).then(|| {
                let changed = both(variant.value, value);
                format!("enum `{}`: variant `{}`: {changed}", expected.name, variant.name)
            })
        });
        changed.or_else(|| {
            let expected_names: Vec<&str> = expected.variants.iter().map(|variant| &*variant.name).collect();
            let found_names: Vec<&str> = found.variants.iter().map(|variant| &*variant.name).collect();
            names("variant", &expected.name, &expected_names, &found_names)
        })
    })
}
