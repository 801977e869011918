//! Field types that are refused by how they are written, each with its reason and its remedy.
//!
//! What an alias or a nested type hides is refused by the checks that the expansion contains.

use syn::spanned::Spanned;
use syn::{Error, GenericArgument, PathArguments, Type, TypePath};

/// The error for a field that is called `field` in it, if its type `ty` can be told to be no message.
pub(crate) fn of_field(field: &str, ty: &Type, owner: &str, checked: bool) -> Option<Error> {
    let said = match ty {
        Type::Array(array) => return of_field(field, &array.elem, owner, checked),
        Type::Paren(inner) => return of_field(field, &inner.elem, owner, checked),
        Type::Group(inner) => return of_field(field, &inner.elem, owner, checked),
        Type::Reference(reference) => match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => address("a reference to text", TEXT),
            Type::Slice(_) => address("a reference to a slice", ARRAY),
            _ => address("a reference", "put the value itself here, or an index"),
        },
        Type::Ptr(_) => address("a raw pointer", "put the value itself here, or an index or offset as `u64`"),
        Type::BareFn(_) => address("a function pointer", "send a number that says which function is meant"),
        Type::Slice(_) => format!("is a slice, whose length is not part of its type: {ARRAY}"),
        Type::Tuple(_) => {
            "is a tuple, whose layout Rust does not promise: use a `#[repr(C)]` struct that derives `Message`"
                .to_owned()
        }
        Type::TraitObject(_) => address("a trait object", "send a number that says which type is meant"),
        Type::Path(path) => of_path(path, owner, checked)?,
        _ => return None,
    };
    Some(Error::new(ty.span(), format!("field `{field}` {said}")))
}

const TEXT: &str = "use `[u8; N]` and a length as `u32`";
const ARRAY: &str = "use an array `[T; N]` and a length as `u32`";

fn address(what: &str, instead: &str) -> String {
    format!("is {what}, and an address means nothing in another process: {instead}")
}

fn of_path(path: &TypePath, owner: &str, checked: bool) -> Option<String> {
    let last = path.path.segments.last()?;
    let name = last.ident.to_string();
    let generic = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().any(|argument| matches!(argument, GenericArgument::Type(_)))
        }
        _ => false,
    };
    let heap = |instead: &str| {
        Some(format!(
            "is a `{name}`, which holds an address, and an address means nothing in another process: {instead}"
        ))
    };
    match (&*name, generic) {
        ("usize", false) => Some("is `usize`, whose width differs between programs: use `u64`".to_owned()),
        ("isize", false) => Some("is `isize`, whose width differs between programs: use `i64`".to_owned()),
        ("bool", false) if !checked => Some(unchecked("`bool`", "`u8`", owner)),
        ("char", false) if !checked => Some(unchecked("`char`", "`u32`", owner)),
        ("Option", true) => Some(
            "is an `Option`, whose layout Rust does not promise: use the value and, beside it, a `u8` that says \
             whether it is there"
                .to_owned(),
        ),
        ("String" | "PathBuf" | "OsString" | "CString", false) => heap(TEXT),
        ("Box" | "Rc" | "Arc", true) => heap("put the value itself here"),
        ("Vec" | "VecDeque" | "BinaryHeap", true) => heap(ARRAY),
        ("HashMap" | "HashSet" | "BTreeMap" | "BTreeSet" | "LinkedList", true) => {
            heap("send its entries as messages, or use an array")
        }
        _ => None,
    }
}

fn unchecked(what: &str, plain: &str, owner: &str) -> String {
    format!(
        "is {what}, for which not every bit pattern is valid: write `#[message(checked)]` on `{owner}`, so that \
         each receive validates it, or use {plain}"
    )
}

/// For a type whose definition the derive cannot see.
pub(crate) fn hidden_checked(field: &str, owner: &str) -> String {
    format!(
        "field `{field}` is of a checked type, for which not every bit pattern is valid: write \
         `#[message(checked)]` on `{owner}`, so that each receive validates it"
    )
}
