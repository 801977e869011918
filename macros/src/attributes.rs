//! `#[message(..)]` and `#[repr(..)]`.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, DeriveInput, Error, LitInt, LitStr, Path, Result, parse_quote};

/// The types that have a name of their own in a schema.
const PRIMITIVES: [&str; 14] =
    ["u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "f32", "f64", "bool", "char"];

/// The most bytes of a name: what its length byte in an encoded schema can say.
const MAX_NAME: usize = 255;

/// What the type is to be called, and what it may contain.
pub(crate) struct Attributes {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) checked: bool,
    pub(crate) krate: Path,
    pub(crate) repr: Repr,
}

/// What `#[repr(..)]` says.
#[derive(Default)]
pub(crate) struct Repr {
    pub(crate) c: bool,
    pub(crate) transparent: bool,
    pub(crate) packed: Option<Span>,
    pub(crate) align: Option<(u64, Span)>,
    /// Anything else: `u8`, `Rust`, `simd`.
    pub(crate) others: Vec<(String, Span)>,
}

/// Whether `path` is the one word, which the compiler knows in its raw form too: `r#repr`.
pub(crate) fn is(path: &Path, word: &str) -> bool {
    path.get_ident().is_some_and(|ident| ident.unraw() == word)
}

impl Attributes {
    pub(crate) fn parse(input: &DeriveInput) -> Result<Self> {
        let (mut name, mut version, mut checked, mut krate) = (None, None, None, None);
        for attribute in input.attrs.iter().filter(|attribute| is(attribute.path(), "message")) {
            attribute.parse_nested_meta(|meta| {
                if is(&meta.path, "name") {
                    once(&mut name, &meta, stable_name(&meta.value()?.parse()?)?)
                } else if is(&meta.path, "version") {
                    once(&mut version, &meta, meta.value()?.parse::<LitInt>()?.base10_parse::<u32>()?)
                } else if is(&meta.path, "checked") {
                    once(&mut checked, &meta, ())
                } else if is(&meta.path, "crate") {
                    once(&mut krate, &meta, crate_path(&meta)?)
                } else {
                    Err(meta.error(
                        "unknown key: `message` knows `name = \"..\"`, `version = N`, `checked` and `crate = path`",
                    ))
                }
            })?;
        }
        Ok(Attributes {
            name: match name {
                Some(name) => name,
                None => not_primitive(input.ident.unraw().to_string(), input.ident.span())?,
            },
            version: version.unwrap_or(0),
            checked: checked.is_some(),
            krate: krate.unwrap_or_else(|| parse_quote!(::ringway)),
            repr: Repr::parse(&input.attrs)?,
        })
    }
}

fn once<T>(slot: &mut Option<T>, meta: &ParseNestedMeta<'_>, value: T) -> Result<()> {
    if slot.replace(value).is_some() {
        return Err(meta.error("this key is given twice: leave one of them"));
    }
    Ok(())
}

fn stable_name(literal: &LitStr) -> Result<String> {
    let name = literal.value();
    if name.is_empty() || name.len() > MAX_NAME || !is_printable(&name) {
        return Err(Error::new(
            literal.span(),
            "a stable name has 1 to 255 bytes, and only characters that print: write one such as \"md.Tick\"",
        ));
    }
    not_primitive(name, literal.span())
}

/// What the decoder of schemas takes: `escape_debug` leaves all but quotes and backslashes as they are.
fn is_printable(name: &str) -> bool {
    let unquoted: String = name.chars().filter(|char| !matches!(char, '"' | '\'' | '\\')).collect();
    unquoted.escape_debug().eq(unquoted.chars())
}

fn not_primitive(name: String, span: Span) -> Result<String> {
    if PRIMITIVES.contains(&&*name) {
        let said = format!(
            "`{name}` is the name of a primitive type: write `#[message(name = \"..\")]` with another"
        );
        return Err(Error::new(span, said));
    }
    Ok(name)
}

/// A path as it is, or in a string, as other derives want it.
fn crate_path(meta: &ParseNestedMeta<'_>) -> Result<Path> {
    let value = meta.value()?;
    if value.peek(LitStr) {
        value.parse::<LitStr>()?.parse_with(Path::parse_mod_style)
    } else {
        Path::parse_mod_style(value)
    }
}

impl Repr {
    fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut repr = Repr::default();
        for attribute in attributes.iter().filter(|attribute| is(attribute.path(), "repr")) {
            attribute.parse_nested_meta(|meta| {
                let span = meta.path.span();
                if is(&meta.path, "C") {
                    repr.c = true;
                } else if is(&meta.path, "transparent") {
                    repr.transparent = true;
                } else if is(&meta.path, "packed") {
                    repr.packed = Some(span);
                    skip_argument(&meta)?;
                } else if is(&meta.path, "align") {
                    let content;
                    syn::parenthesized!(content in meta.input);
                    let align = content.parse::<LitInt>()?.base10_parse::<u64>()?;
                    let most = repr.align.map_or(0, |(align, _)| align);
                    repr.align = Some((align.max(most), span));
                } else {
                    let path = meta.path.segments.iter().map(|segment| segment.ident.unraw().to_string());
                    repr.others.push((path.collect::<Vec<_>>().join("::"), span));
                    skip_argument(&meta)?;
                }
                Ok(())
            })?;
        }
        Ok(repr)
    }
}

fn skip_argument(meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(syn::token::Paren) {
        let content;
        syn::parenthesized!(content in meta.input);
        content.parse::<proc_macro2::TokenStream>()?;
    }
    Ok(())
}

/// `#[message(..)]` has no meaning on a part of a type.
pub(crate) fn refuse_on_part(attributes: &[Attribute]) -> Result<()> {
    match attributes.iter().find(|attribute| is(attribute.path(), "message")) {
        Some(attribute) => Err(Error::new(
            attribute.span(),
            "`message` has no meaning here: write it on the type, above `struct` or `enum`",
        )),
        None => Ok(()),
    }
}
