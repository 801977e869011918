//! `derive(Message)` for ringway. Use it through the `ringway` crate, which documents what a message is.

mod attributes;
mod checks;
mod enumeration;
mod pod;
mod refusal;
mod structure;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use proc_macro2::{Group, Ident, TokenTree};
use syn::{Data, DeriveInput, parse_macro_input};

use attributes::Attributes;

/// Proves that a type may travel in shared memory, and implements `ringway::Message` for it.
///
/// For `#[repr(C)]` and `#[repr(transparent)]` structs whose fields are messages, and for enums without
/// fields that have `#[repr(u8)]`, `#[repr(u16)]` or `#[repr(u32)]`. A type that is not generic also becomes
/// `bytemuck::Pod`, or with `checked` `bytemuck::NoUninit` and `bytemuck::CheckedBitPattern`; of the generic
/// ones those become `Pod` that are made of fields of one type only, and that have no attribute which the derive
/// does not know.
///
/// An attribute macro that changes the type belongs above the derive. Below, it comes after the derive, and the
/// expansion does not compile if a field or variant is another by then.
///
/// ```ignore
/// #[derive(ringway::Message, Clone, Copy)]
/// #[message(name = "md.Tick", version = 2, checked)]
/// #[repr(C)]
/// struct Tick {
///     price: f64,
///     size: u32,
///     side: Side,
///     last: bool,
///     _pad: [u8; 2],
/// }
///
/// #[derive(ringway::Message, Clone, Copy)]
/// #[message(checked)]
/// #[repr(u8)]
/// enum Side {
///     Buy = 1,
///     Sell = 2,
/// }
/// ```
///
/// | `#[message(..)]` | meaning | default |
/// |---|---|---|
/// | `name = "md.Tick"` | the stable name, by which two programs know the type; not that of a primitive | the identifier |
/// | `version = 2` | a number to be raised when the meaning changes and the layout does not | 0 |
/// | `checked` | allows `bool`, `char` and checked enums; each receive validates | |
/// | `crate = some::path` | where ringway is, if under another name | `::ringway` |
///
/// `crate` is trusted. The expansion has `unsafe impl`s, and what makes them sound are checks that it calls in the
/// crate named: a path to anything but ringway is as good as an `unsafe impl` written by hand, though the word
/// `unsafe` is nowhere. Look for `crate =` where you look for `unsafe`.
///
/// A parameter that changes no field, as `KIND` in `struct Id<const KIND: u32> { value: u64 }`, is not part of what
/// two programs compare: to the other side `Id<1>` and `Id<2>` are one message. Where they must be told apart, put
/// each in a struct with a `name` of its own.
#[proc_macro_derive(Message, attributes(message))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    let tokens = input.clone();
    let mut input = parse_macro_input!(input as DeriveInput);
    if input.generics.params.is_empty() {
        let named = without_self(tokens.into(), &input.ident).into();
        input = parse_macro_input!(named as DeriveInput);
    }
    expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// `tokens` with the type's own name for `Self`: a part of the expansion stands outside of any impl.
fn without_self(tokens: proc_macro2::TokenStream, ident: &Ident) -> proc_macro2::TokenStream {
    let rename = |token| match token {
        TokenTree::Ident(word) if word == "Self" => {
            let mut own = ident.clone();
            own.set_span(word.span());
            TokenTree::Ident(own)
        }
        TokenTree::Group(group) => {
            let mut renamed = Group::new(group.delimiter(), without_self(group.stream(), ident));
            renamed.set_span(group.span());
            TokenTree::Group(renamed)
        }
        other => other,
    };
    tokens.into_iter().map(rename).collect()
}

fn expand(input: &DeriveInput) -> syn::Result<proc_macro2::TokenStream> {
    let attributes = Attributes::parse(input)?;
    match &input.data {
        Data::Struct(data) => structure::expand(input, &attributes, data),
        Data::Enum(data) => enumeration::expand(input, &attributes, data),
        Data::Union(data) => Err(syn::Error::new(
            data.union_token.span,
            "a union does not say which of its fields is meant: use a struct with a field that says it",
        )),
    }
}
