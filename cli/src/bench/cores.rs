//! The two cores: which they are, and what the kernel knows of how near they are to each other.

use std::fmt;
use std::fs;
use std::str::FromStr;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::output::Failure;

/// One for each process; they may be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cores(pub(crate) [usize; 2]);

impl FromStr for Cores {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "expected the numbers of two cores with a comma between them, such as 0,1";
        let (first, second) = text.split_once(',').ok_or(WRONG)?;
        let number = |text: &str| text.trim().parse().map_err(|_| WRONG);
        Ok(Self([number(first)?, number(second)?]))
    }
}

/// How near two cores are to each other, as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// They are one.
    Same,
    /// Halves of one core.
    Siblings,
    /// Two cores that share a cache; the nearest one.
    Cache(u32),
    /// Two cores that share none.
    Apart,
    /// It does not say.
    Unknown,
}

impl Relation {
    /// For programs.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Siblings => "siblings",
            Self::Cache(_) => "shared cache",
            Self::Apart => "apart",
            Self::Unknown => "unknown",
        }
    }

    /// The cache that they share, if that is what they are to each other.
    pub(super) fn cache(self) -> Option<u32> {
        if let Self::Cache(level) = self { Some(level) } else { None }
    }

    /// Which ones to take, if there is a choice: the lowest. Siblings take turns in a core's units, so that they tell little
    /// of two programs that have a core each.
    fn rank(self) -> u32 {
        match self {
            Self::Cache(_) => 0,
            Self::Apart | Self::Unknown => 1,
            Self::Siblings => 2,
            Self::Same => 3,
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("one core, that both processes share"),
            Self::Siblings => f.write_str("SMT siblings, two halves of one core"),
            Self::Cache(level) => write!(f, "two cores that share an L{level} cache"),
            Self::Apart => f.write_str("two cores that share no cache"),
            Self::Unknown => f.write_str("this machine does not tell how near they are to each other"),
        }
    }
}

/// What the kernel says of one core.
#[derive(Debug, Default)]
struct Topology {
    /// A list of cores, such as `0-1,8`.
    siblings: Option<String>,
    /// Levels, each with the list of those that share it.
    caches: Vec<(u32, String)>,
}

impl Topology {
    fn of(core: usize) -> Self {
        let read =
            |path: String| fs::read_to_string(format!("/sys/devices/system/cpu/cpu{core}/{path}")).ok();
        let cache = |index| {
            let level = read(format!("cache/index{index}/level"))?.trim().parse().ok()?;
            Some((level, read(format!("cache/index{index}/shared_cpu_list"))?))
        };
        Self {
            siblings: read("topology/thread_siblings_list".to_owned()),
            caches: (0..16).map_while(cache).collect(),
        }
    }

    /// How near the other one is to this one.
    fn relation(&self, other: usize) -> Relation {
        if self.siblings.as_ref().is_some_and(|list| lists(list, other)) {
            return Relation::Siblings;
        }
        let shared = self.caches.iter().filter(|(_, list)| lists(list, other)).map(|(level, _)| *level);
        match shared.min() {
            Some(level) => Relation::Cache(level),
            None if self.caches.is_empty() => Relation::Unknown,
            None => Relation::Apart,
        }
    }
}

/// Whether a list of the kernel's, such as `0-1,8`, has a number.
fn lists(list: &str, number: usize) -> bool {
    list.trim().split(',').any(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let ends = (first.parse::<usize>(), last.parse::<usize>());
        matches!(ends, (Ok(first), Ok(last)) if (first..=last).contains(&number))
    })
}

/// How near they are to each other.
pub(super) fn relation(Cores([first, second]): Cores) -> Relation {
    if first == second { Relation::Same } else { Topology::of(first).relation(second) }
}

/// Whether the kernel runs on a machine that is itself a program: what it says of cores is then what it was told.
pub(super) fn is_virtual() -> bool {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = info.lines().find(|line| line.starts_with("flags"));
    flags.is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"))
}

/// The cores that this process may use.
pub(super) fn allowed() -> Result<Vec<usize>, Failure> {
    let set = sched_getaffinity(None).map_err(|error| {
        Failure::Message(format!("the cores that may be used cannot be asked for: {error}"))
    })?;
    Ok((0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect())
}

/// Two of them: the first, and the next one that is nearest to it and no half of it. If there is only one, that one twice.
pub(super) fn choose(allowed: &[usize], relation: impl Fn(Cores) -> Relation) -> Cores {
    let first = allowed[0];
    let others = allowed[1..].iter().copied();
    let second = others.min_by_key(|second| relation(Cores([first, *second])).rank());
    Cores([first, second.unwrap_or(first)])
}

/// Keeps this thread on a core.
pub(super) fn pin(core: usize) -> Result<(), Failure> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set)
        .map_err(|error| Failure::Message(format!("this process cannot be kept on core {core}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cores_has_its_numbers_and_its_ranges() {
        for (list, number, has) in [
            ("0-1,8\n", 1, true),
            ("0-1,8\n", 8, true),
            ("0-1,8\n", 2, false),
            ("3\n", 3, true),
            ("\n", 0, false),
        ] {
            assert_eq!(lists(list, number), has, "{list:?} {number}");
        }
    }

    #[test]
    fn the_nearest_thing_in_common_says_how_near_two_cores_are() {
        let caches = [(1, "0,4"), (2, "0,4"), (3, "0-7")].map(|(level, list)| (level, list.to_owned()));
        let core = Topology { siblings: Some("0,4\n".to_owned()), caches: caches.into() };
        assert_eq!(core.relation(4), Relation::Siblings);
        assert_eq!(core.relation(5), Relation::Cache(3));
        assert_eq!(core.relation(8), Relation::Apart);
        assert_eq!(Topology::default().relation(1), Relation::Unknown);
        assert_eq!(relation(Cores([7, 7])), Relation::Same);
    }

    #[test]
    fn halves_of_one_core_are_taken_only_where_there_is_nothing_else() {
        let relation = |Cores([_, second])| match second {
            1 => Relation::Siblings,
            2 => Relation::Apart,
            3 => Relation::Cache(3),
            _ => Relation::Unknown,
        };
        assert_eq!(choose(&[0, 1, 2, 3], relation), Cores([0, 3]));
        assert_eq!(choose(&[0, 1, 2], relation), Cores([0, 2]));
        assert_eq!(choose(&[0, 1], relation), Cores([0, 1]));
        assert_eq!(choose(&[5], relation), Cores([5, 5]));
    }

    #[test]
    fn two_numbers_with_a_comma_are_cores_and_nothing_else() {
        assert_eq!("0,1".parse(), Ok(Cores([0, 1])));
        assert_eq!("12, 3".parse(), Ok(Cores([12, 3])));
        for text in ["", "1", "0,x", "0,1,2", "-1,0"] {
            assert!(text.parse::<Cores>().is_err(), "{text}");
        }
    }
}
