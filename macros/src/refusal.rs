//! Field types that are refused with a reason and a remedy of their own.
//!
//! By how they are written only those whose syntax says it. A name says nothing for sure, since it may be that
//! of a message of the author's own: for it the expansion has a check with the sentence.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Error, GenericArgument, Generics, Path, PathArguments, Type};

use crate::checks::at;

/// A field's type, or that of an array's elements, with the name of one that is no message, or no plain one.
pub(crate) struct Suspect<'a> {
    pub(crate) ty: &'a Type,
    /// The sentence for when it is that one.
    pub(crate) said: String,
    pub(crate) when: When,
}

/// When the sentence is true.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// If the type is no message.
    NoMessage,
    /// Likewise, and then neither the type nor what contains it is `Copy`.
    Owned,
    /// If the type is checked.
    Checked,
}

impl Suspect<'_> {
    /// An expression for whether the type is checked that is an error if it is no message. Only the trait with
    /// the sentence is asked for: asked for another bound of a message, the compiler would add its own.
    pub(crate) fn checked(&self) -> TokenStream {
        let Suspect { ty, said, when } = self;
        if *when == When::Checked {
            return checked(ty);
        }
        quote_spanned! {at(ty.span())=>
            {
                #[diagnostic::on_unimplemented(message = #said, label = "not a `Message`")]
                trait Travels: __m::Message {}
                #[diagnostic::do_not_recommend]
                impl<T: __m::Message> Travels for T {}
                const fn checked<T: Travels>() -> __m::core::primitive::bool {
                    let () = T::LAYOUT;
                    T::CHECKED
                }
                checked::<#ty>()
            }
        }
    }

    /// Refuses the type if it is checked, where the type that contains it is generic: its own checks are only
    /// made where it is used.
    pub(crate) fn plain(&self, generics: &Generics) -> Option<TokenStream> {
        let Suspect { ty, said, when } = self;
        let is_parameter =
            |name: &Path| generics.type_params().any(|parameter| name.is_ident(&parameter.ident));
        match ty {
            Type::Path(path) if is_parameter(&path.path) => None,
            ty if *when == When::Checked => {
                Some(quote_spanned!(at(ty.span())=> __m::plain(<#ty as __m::Message>::CHECKED, #said);))
            }
            _ => None,
        }
    }
}

/// An expression for whether a type is checked, that is an error if it is no message or its layout does not hold.
pub(crate) fn checked(ty: &Type) -> TokenStream {
    let message = quote_spanned!(at(ty.span())=> <#ty as __m::Message>);
    quote!({ let () = #message::LAYOUT; #message::CHECKED })
}

/// The error for a field that is called `field` in it, if the syntax of its type `ty` is that of no message.
pub(crate) fn of_field(field: &str, ty: &Type) -> Option<Error> {
    let said = match ty {
        Type::Array(array) => return of_field(field, &array.elem),
        Type::Paren(inner) => return of_field(field, &inner.elem),
        Type::Group(inner) => return of_field(field, &inner.elem),
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
        _ => return None,
    };
    Some(Error::new(ty.span(), format!("field `{field}` {said}")))
}

const TEXT: &str = "use `[u8; N]` and a length as `u32`";
const ARRAY: &str = "use an array `[T; N]` and a length as `u32`";

fn address(what: &str, instead: &str) -> String {
    format!("is {what}, and an address means nothing in another process: {instead}")
}

/// Looks at the name of a field's type, where it is one of the prelude or of std.
pub(crate) fn suspect<'a>(field: &str, ty: &'a Type, owner: &str, checked: bool) -> Option<Suspect<'a>> {
    let path = match ty {
        Type::Array(array) => return suspect(field, &array.elem, owner, checked),
        Type::Paren(inner) => return suspect(field, &inner.elem, owner, checked),
        Type::Group(inner) => return suspect(field, &inner.elem, owner, checked),
        Type::Path(path) if path.qself.is_none() => &path.path,
        _ => return None,
    };
    let (first, last) = (path.segments.first()?, path.segments.last()?);
    let of_std = ["std", "alloc", "core"].iter().any(|std| first.ident.unraw() == std);
    if path.segments.len() > 1 && !of_std {
        return None;
    }
    let generic = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().any(|argument| matches!(argument, GenericArgument::Type(_)))
        }
        _ => false,
    };
    let (when, said) = of_name(&last.ident.unraw().to_string(), generic, owner, checked)?;
    Some(Suspect { ty, said: format!("field `{field}` {said}"), when })
}

fn of_name(name: &str, generic: bool, owner: &str, checked: bool) -> Option<(When, String)> {
    let heap = |instead: &str| {
        let said = format!(
            "is a `{name}`, which holds an address, and an address means nothing in another process: {instead}"
        );
        Some((When::Owned, said))
    };
    let no_message = |said: &str| Some((When::NoMessage, said.to_owned()));
    match (name, generic) {
        ("usize", false) => no_message("is `usize`, whose width differs between programs: use `u64`"),
        ("isize", false) => no_message("is `isize`, whose width differs between programs: use `i64`"),
        ("bool", false) if !checked => Some((When::Checked, unchecked("`bool`", "`u8`", owner))),
        ("char", false) if !checked => Some((When::Checked, unchecked("`char`", "`u32`", owner))),
        ("Option", true) => no_message(
            "is an `Option`, whose layout Rust does not promise: use the value and, beside it, a `u8` that says \
             whether it is there",
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
