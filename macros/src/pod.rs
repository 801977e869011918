//! The impls of bytemuck's traits.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, DeriveInput, Generics, Type, parse_quote};

use crate::attributes::{Attributes, is};
use crate::structure::Field;

/// The impls that hold for all parameters. `generics` are the type's, with the bounds of its `Message`.
pub(crate) fn expand(
    input: &DeriveInput,
    attributes: &Attributes,
    this: &Type,
    mut generics: Generics,
    fields: &[Field<'_>],
) -> TokenStream {
    let clause = generics.make_where_clause();
    clause.predicates.push(parse_quote!(for<'__m> #this: __m::IsCopy<'__m>));
    if !input.generics.params.is_empty() {
        let final_repr = attributes.repr.align.is_none() && input.attrs.iter().all(is_inert);
        let Some((first, others)) = only_element(fields).filter(|_| final_repr) else {
            return TokenStream::new();
        };
        let clause = generics.make_where_clause();
        clause.predicates.push(parse_quote!(for<'__m> #first: __m::IsPod<'__m>));
        for other in others {
            clause.predicates.push(parse_quote!(for<'__m> #other: __m::Same<'__m, #first>));
        }
        let (impl_generics, _, where_clause) = generics.split_for_impl();
        return quote! {
            // SAFETY: its bytes are those of values of one `Pod` type, one after the other.
            #[automatically_derived]
            unsafe impl #impl_generics __m::Zeroable for #this #where_clause {}
            // SAFETY: as above.
            #[automatically_derived]
            unsafe impl #impl_generics __m::Pod for #this #where_clause {}
        };
    }
    if attributes.checked {
        let clause = generics.make_where_clause();
        clause.predicates.push(parse_quote!(for<'__m> #this: __m::IsMessage<'__m>));
        let (impl_generics, _, where_clause) = generics.split_for_impl();
        let bits = quote!(__m::Bits<#this, { __m::core::mem::size_of::<#this>() }>);
        quote! {
            // SAFETY: the checks above show that it has no padding.
            #[automatically_derived]
            unsafe impl #impl_generics __m::NoUninit for #this #where_clause {}

            // SAFETY: `Bits` has the size and alignment of the struct, and `validate` knows the valid bits.
            #[automatically_derived]
            unsafe impl #impl_generics __m::CheckedBitPattern for #this #where_clause {
                type Bits = #bits;

                #[inline]
                fn is_valid_bit_pattern(bits: &#bits) -> __m::core::primitive::bool {
                    __m::is_valid(bits)
                }
            }
        }
    } else {
        let (impl_generics, _, where_clause) = generics.split_for_impl();
        quote! {
            // SAFETY: the checks above show that it is made of plain messages, for which zero is valid.
            #[automatically_derived]
            unsafe impl #impl_generics __m::Zeroable for #this #where_clause {}
            // SAFETY: they show that it has no padding either; a message has no cells and no addresses.
            #[automatically_derived]
            unsafe impl #impl_generics __m::Pod for #this #where_clause {}
        }
    }
}

/// The type of the first field and those of the others, arrays taken apart, if they are written alike: without
/// padding whatever it is, once the compiler finds that they are one type. The same words may mean another one
/// each time, as `$crate` does.
fn only_element<'a>(fields: &[Field<'a>]) -> Option<(&'a Type, Vec<&'a Type>)> {
    let element = |field: &Field<'a>| {
        let mut ty = field.ty;
        while let Type::Array(array) = ty {
            ty = &array.elem;
        }
        ty
    };
    let text = |ty: &Type| ty.to_token_stream().to_string();
    let (first, others) = fields.split_first()?;
    let first = element(first);
    let others: Vec<_> = others.iter().map(element).collect();
    // A macro need not give the same type in the bound as in the field.
    let alike = others.iter().all(|other| text(other) == text(first)) && !text(first).contains('!');
    alike.then_some((first, others))
}

/// Whether an attribute is known to leave the type as it is. Any other may be a macro that comes after the
/// derive and asks for an alignment, which for a generic type no check at its definition would see.
fn is_inert(attribute: &Attribute) -> bool {
    const INERT: [&str; 13] = [
        "allow",
        "automatically_derived",
        "deny",
        "deprecated",
        "derive",
        "doc",
        "expect",
        "forbid",
        "message",
        "must_use",
        "non_exhaustive",
        "repr",
        "warn",
    ];
    INERT.iter().any(|inert| is(attribute.path(), inert))
}
