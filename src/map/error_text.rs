//! What errors say: the map, what was found and expected, and what to do.

use std::fmt;

use super::error::{Error, ErrorKind, Subject};

/// A name as it is shown in a message: escaped, and cut where it is very long.
pub(crate) fn shown(name: &str) -> String {
    const LONGEST: usize = 80;
    let mut text: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.subject {
            Subject::Map(name) => write!(f, "map `{}`", shown(name))?,
            Subject::Namespace => f.write_str("namespace")?,
            Subject::File => f.write_str("map of a file")?,
            Subject::Anonymous => f.write_str("anonymous map")?,
            Subject::InProcess => f.write_str("in process")?,
        }
        if !self.0.path.as_os_str().is_empty() {
            write!(f, " ({})", self.0.path.display())?;
        }
        f.write_str(": ")?;
        let text = match &self.0.subject {
            Subject::File => of_a_file(&self.0.kind),
            Subject::Anonymous => of_memory(&self.0.kind),
            _ => None,
        };
        match text {
            Some(text) => f.write_str(&text)?,
            None => self.0.kind.fmt(f)?,
        }
        match &self.0.source {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}

/// What the user of a file is told, where the user of a name has other remedies.
fn of_a_file(kind: &ErrorKind) -> Option<String> {
    use ErrorKind::*;
    Some(match kind {
        NotFound => {
            "found no file, expected one; correct the path, or let a `file_mode` that creates it make one"
                .to_owned()
        }
        AlreadyExists { .. } => {
            "found a file, expected none; use `FileMode::OpenOrCreate`, or another path".to_owned()
        }
        PermissionDenied { doing } => format!(
            "refused while {doing}, expected to be allowed; ask for less access, or let the file's owner or root \
             allow it (for execution: a file system that is not mounted noexec)"
        ),
        StorageFull { needed } => format!(
            "found too little space in the file system (or quota), {needed} bytes are needed, expected them to be free; \
             make room, or lower `capacity`"
        ),
        TooLarge { needed } => format!(
            "{needed} bytes are needed, expected no more than a file of this file system and this process's address \
             space can hold; lower `capacity`, or take smaller views"
        ),
        Unsupported { what } => {
            format!("found no {what} here, expected it; move the file to another file system")
        }
        Truncated { found, expected } => format!(
            "the file was truncated to {found} bytes, expected {expected}; map the file again as it is now"
        ),
        _ => return None,
    })
}

/// The same for memory without a name.
fn of_memory(kind: &ErrorKind) -> Option<String> {
    use ErrorKind::*;
    Some(match kind {
        StorageFull { needed } => format!(
            "found too little free memory, {needed} bytes are needed, expected them to be there; \
             lower `capacity`, free memory, or use `Allocation::Delay`"
        ),
        PermissionDenied { doing } => format!(
            "refused while {doing}, expected to be allowed; ask for less access, or look at who sealed it or forbids it here"
        ),
        Truncated { found, expected } => {
            format!(
                "found {found} bytes of memory, expected {expected}; receive it from somebody who has it whole"
            )
        }
        Foreign { found } => format!("found {found}, expected a map; send maps alone over this socket"),
        _ => return None,
    })
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ErrorKind::*;
        match self {
            InvalidArgument { argument, found, expected } => {
                write!(f, "`{argument}` is {found}, expected {expected}; pass another `{argument}`")
            }
            AlreadyExists { stale: false } => f.write_str(
                "found a map of this name, expected none; use `create_or_open` or `open` to share it, or another name",
            ),
            AlreadyExists { stale: true } => f.write_str(
                "found a leftover of dead processes that only its owner may remove, expected none; \
                 let its owner or root sweep the namespace, or use another name",
            ),
            NotFound => f.write_str(
                "found no map of this name, expected one; create it first, or use `create_or_open`",
            ),
            PermissionDenied { doing } => write!(
                f,
                "refused while {doing}, expected to be allowed; run as the map's owner, or let its creator set a wider `mode`",
            ),
            StorageFull { needed: 0 } => f.write_str(
                "found no more space or files (inodes), expected some; sweep the namespace, remove other files, \
                 or enlarge the file system or quota (in a container: --shm-size)",
            ),
            StorageFull { needed } => write!(
                f,
                "found too little space or no more files (inodes), {needed} bytes in one file are needed; \
                 lower `capacity`, sweep the namespace, remove other files, \
                 or enlarge the file system or quota (in a container: --shm-size)",
            ),
            TooLarge { needed: 0 } => {
                f.write_str("found too little memory, expected some; free memory, or raise this process's limits")
            }
            TooLarge { needed } => write!(
                f,
                "{needed} bytes are needed, expected no more than a file and this process's address space can hold; lower `capacity`",
            ),
            SizeLimit { needed, limit } => write!(
                f,
                "found a limit of {limit} bytes for files of this process (RLIMIT_FSIZE), expected {needed} bytes to be \
                 allowed; raise it (ulimit -f), or lower `capacity`",
            ),
            Unsupported { what } => {
                write!(f, "found no {what} here, expected it; use a namespace on a tmpfs such as /dev/shm")
            }
            AccessDenied { asked, allowed } => write!(
                f,
                "found that this handle allows {allowed}, expected {asked}; \
                 make the map with another `access`, or open it with other `rights`",
            ),
            CapacityMismatch { found, expected } => write!(
                f,
                "found a capacity of {found} bytes, expected {expected}; \
                 require another capacity, or let all its users ask for the same",
            ),
            Busy { found, expected } => write!(
                f,
                "found another one who {found}, expected {expected}; wait until it is closed there, or share it there",
            ),
            NotMappable { found } => write!(
                f,
                "found {found}, expected a regular file or a character device; pass the path or handle of one",
            ),
            Stale { found } => write!(
                f,
                "found {found} in the place of the file that the name was given to, expected that file; \
                 let those who hold the map close it, then create it anew",
            ),
            Untrusted { part, found, expected } => write!(
                f,
                "the {part} of the page that leads from the name to a file is {found}, expected {expected}; \
                 map the file by its path, or let its owner give it the name",
            ),
            LockLimit { needed } => write!(
                f,
                "found a lower limit of locked memory (RLIMIT_MEMLOCK), expected {needed} bytes more to be allowed; \
                 raise it (ulimit -l), or take smaller views",
            ),
            HugePages { needed } => write!(
                f,
                "found too few free huge pages, {needed} bytes of them are needed, expected them to be reserved; \
                 let root raise vm.nr_hugepages, or use `HugePages::Advise`",
            ),
            Refused { what, remedy } => write!(f, "{what}; {remedy}"),
            TimedOut { waited } => write!(
                f,
                "found another process in the middle of making, opening or closing it for {waited:?}, \
                 expected microseconds; look for a process that is stopped while it opens or closes this map, and end it",
            ),
            Interrupted { waited } => write!(
                f,
                "found the commitment of its memory interrupted by signals for {waited:?}, expected some quiet; \
                 block signals while the map is made, or slow the timer that sends them",
            ),
            Foreign { found } => write!(
                f,
                "found {found}, expected a ringway map; move it away by hand, or use another name or namespace",
            ),
            Version { found, expected } => write!(
                f,
                "found map format version {found}, expected {expected}; build all its users with the same version of ringway",
            ),
            Damaged { part, found, expected } => write!(
                f,
                "its header is damaged: {part} is {found}, expected {expected}; \
                 end the processes that hold it and create it anew",
            ),
            Truncated { found, expected } => write!(
                f,
                "the file was truncated to {found} bytes, expected {expected}; \
                 end the processes that hold it and create it anew",
            ),
            Collision { found } => write!(
                f,
                "found the map `{}` in this name's file, expected this name; use another name",
                shown(found)
            ),
            Namespace { part, found, expected } => write!(
                f,
                "the directory's {part} is {found}, expected {expected}; use another namespace, \
                 or let root or its owner correct or remove it",
            ),
            Os { doing } => {
                write!(f, "an error of the operating system while {doing}, expected none; the cause says what to do")
            }
        }
    }
}
