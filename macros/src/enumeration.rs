//! Enums without fields.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DataEnum, DeriveInput, Error, Fields, Result};

use crate::attributes::{Attributes, refuse_on_part};
use crate::checks::at;

pub(crate) fn expand(input: &DeriveInput, attributes: &Attributes, data: &DataEnum) -> Result<TokenStream> {
    let ident = &input.ident;
    let repr = repr(input, attributes)?;
    if !attributes.checked {
        return Err(Error::new(
            ident.span(),
            format!(
                "not every bit pattern is a variant of `{ident}`: write `#[message(checked)]` on it, so that each \
                 receive validates it"
            ),
        ));
    }
    if !input.generics.params.is_empty() {
        return Err(Error::new(input.generics.span(), "an enum message has no parameters: remove them"));
    }
    if data.variants.is_empty() {
        return Err(Error::new(ident.span(), format!("`{ident}` has no variant, so no value: add one")));
    }
    for variant in &data.variants {
        refuse_on_part(&variant.attrs)?;
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new(
                variant.fields.span(),
                format!(
                    "variant `{}` has fields, and with them `{ident}` has bytes that depend on the variant: use a \
                     struct with a field that says which, and put the data beside it",
                    variant.ident
                ),
            ));
        }
    }

    let Attributes { name, version, krate, .. } = attributes;
    let (_, capital, bytes) = repr;
    let primitive = format_ident!("{}", capital);
    let integer = format_ident!("{}", repr.0);
    let variants: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let names = variants.iter().map(|variant| variant.unraw().to_string());
    let values: Vec<_> = (0..variants.len()).map(|index| format_ident!("VALUE_{}", index)).collect();
    let index = 0..bytes;
    let said = ident.unraw().to_string();
    let layout = quote_spanned! {at(ident.span())=>
        __m::enum_layout(
            #said,
            [__m::core::mem::size_of::<#ident>(), __m::core::mem::align_of::<#ident>()],
            #bytes,
        )
    };
    let bits = quote!(__m::Bits<#ident, { __m::core::mem::size_of::<#ident>() }>);
    let taken_apart = quote_spanned!(at(ident.span())=> match self { #(#ident::#variants => (),)* });
    let copied = quote_spanned!(at(ident.span())=> __m::copied::<#ident>());
    Ok(quote! {
        #[allow(deprecated)]
        const _: () = {
            use #krate::__private as __m;

            // SAFETY: 1, 2: a discriminant is an integer; 3: `validate` accepts the discriminants only; 4: size
            // and alignment, which `LAYOUT` compares with the compiler's, are those of the `repr`.
            #[automatically_derived]
            unsafe impl __m::Message for #ident where for<'__m> #ident: __m::IsCopy<'__m> {
                const SCHEMA: &'static __m::Schema = &const {
                    __m::Schema::enumeration(
                        #name,
                        #version,
                        __m::Primitive::#primitive,
                        &const { [#(__m::Variant::new(#names, #ident::#variants as __m::core::primitive::u32)),*] },
                    )
                };
                const CHECKED: __m::core::primitive::bool = true;
                const LAYOUT: () = #layout;

                #[inline]
                fn validate(
                    bytes: &[__m::core::primitive::u8],
                ) -> __m::core::result::Result<(), __m::InvalidField> {
                    #(const #values: __m::core::primitive::u32 = #ident::#variants as __m::core::primitive::u32;)*
                    let found = __m::core::primitive::#integer::from_ne_bytes([#(bytes[#index]),*]);
                    match found as __m::core::primitive::u32 {
                        #(#values)|* => __m::core::result::Result::Ok(()),
                        found => __m::core::result::Result::Err(__m::InvalidField::value(#name, found)),
                    }
                }
            }

            const _: () = #layout;
            const _: () = #copied;

            #[automatically_derived]
            impl __m::Definition for #ident {
                fn is_as_read(&self) {
                    #taken_apart
                }
            }

            // SAFETY: an integer has no padding.
            #[automatically_derived]
            unsafe impl __m::NoUninit for #ident where for<'__m> #ident: __m::IsCopy<'__m> {}

            // SAFETY: `Bits` has the size and alignment of the enum, and `validate` knows the discriminants.
            #[automatically_derived]
            unsafe impl __m::CheckedBitPattern for #ident where for<'__m> #ident: __m::IsCopy<'__m> {
                type Bits = #bits;

                #[inline]
                fn is_valid_bit_pattern(bits: &#bits) -> __m::core::primitive::bool {
                    __m::is_valid(bits)
                }
            }
        };
    })
}

/// The integer, the name of its `Primitive`, and how many bytes it has.
fn repr(input: &DeriveInput, attributes: &Attributes) -> Result<(&'static str, &'static str, usize)> {
    let repr = &attributes.repr;
    let refuse = |span, said: &str| {
        let instead = "write `#[repr(u8)]`, `#[repr(u16)]` or `#[repr(u32)]` on it";
        Err(Error::new(span, format!("enum `{}` {said}: {instead}", input.ident)))
    };
    if let Some((_, span)) = repr.align {
        return refuse(span, "asks for an alignment, and so for padding");
    }
    if let Some(span) = repr.packed {
        return refuse(span, "has `repr(packed)`, which is not one of the three");
    }
    if repr.transparent {
        return refuse(input.ident.span(), "has `repr(transparent)`, which is not one of the three");
    }
    match &repr.others[..] {
        _ if repr.c => refuse(input.ident.span(), "has `repr(C)`, whose width differs between machines"),
        [_, (name, span), ..] => refuse(*span, &format!("has a second `repr`, which is `{name}`")),
        [(name, _)] if name == "u8" => Ok(("u8", "U8", 1)),
        [(name, _)] if name == "u16" => Ok(("u16", "U16", 2)),
        [(name, _)] if name == "u32" => Ok(("u32", "U32", 4)),
        [(name, span)] => refuse(*span, &format!("has `repr({name})`, which is not one of the three")),
        [] => refuse(input.ident.span(), "has no `repr`, so Rust does not promise its width"),
    }
}
