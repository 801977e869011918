//! What the expansion of a struct has the compiler check.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DeriveInput, Generics, Member, Type};

use crate::attributes::Attributes;
use crate::refusal::{self, Suspect, When};
use crate::structure::Field;

/// Where an error is shown; names are still those of the expansion.
pub(crate) fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// Per field: it is a message, it is plain if the struct is, its own layout holds, it is aligned, and there is
/// no padding after it.
pub(crate) fn checks(
    this: &Type,
    attributes: &Attributes,
    ident: &syn::Ident,
    fields: &[Field<'_>],
) -> Vec<TokenStream> {
    let check = |(index, field): (usize, &Field<'_>)| {
        let Field { member, name, ty, span, .. } = field;
        let checked = field.checked();
        let plain = if attributes.checked {
            quote!(let _ = #checked;)
        } else {
            let said = match &field.suspect {
                Some(Suspect { said, when: When::Checked, .. }) => said.clone(),
                _ => refusal::hidden_checked(name, &ident.unraw().to_string()),
            };
            quote_spanned!(at(ty.span())=> __m::plain(#checked, #said);)
        };
        let aligned = quote_spanned! {at(*span)=>
            __m::aligned(
                #name,
                __m::core::mem::offset_of!(#this, #member),
                __m::core::mem::align_of::<#ty>(),
                __m::core::mem::align_of::<#this>(),
            );
        };
        // The one field with a size of a transparent struct has no padding round it, and the others may be
        // at any offset.
        let padding = (!attributes.repr.transparent).then(|| {
            let next = match fields.get(index + 1) {
                Some(Field { member, .. }) => quote!(__m::core::mem::offset_of!(#this, #member)),
                None => quote!(__m::core::mem::size_of::<#this>()),
            };
            let start = match member {
                Member::Named(_) => format!("{}: [u8; ", free_name(fields, index)),
                Member::Unnamed(_) => "[u8; ".to_owned(),
            };
            quote_spanned! {at(*span)=>
                __m::no_padding(
                    #name,
                    __m::core::mem::offset_of!(#this, #member) + __m::core::mem::size_of::<#ty>(),
                    #next,
                    [#start, "],"],
                );
            }
        });
        quote!(#plain #aligned #padding)
    };
    let sizes = fields.iter().map(|Field { ty, .. }| quote!(__m::core::mem::size_of::<#ty>()));
    let said = ident.unraw().to_string();
    let filled = quote_spanned! {at(ident.span())=>
        __m::filled(#said, 0 #(+ #sizes)*, __m::core::mem::size_of::<#this>());
    };
    fields.iter().enumerate().map(check).chain(attributes.repr.transparent.then_some(filled)).collect()
}

/// `_pad`, or with a number if that is taken.
fn free_name(fields: &[Field<'_>], index: usize) -> String {
    let taken = |name: &String| fields.iter().any(|field| field.name == *name);
    let names = std::iter::once("_pad".to_owned()).chain((index + 1..).map(|number| format!("_pad{number}")));
    names.into_iter().find(|name| !taken(name)).unwrap_or_default()
}

/// What holds whatever the parameters are, and is checked where the type is defined: that it is `Copy`, that
/// the fields of a generic type are messages, and that the fields are the ones that the derive read. An
/// attribute macro that comes after the derive may have changed them.
pub(crate) fn definition(
    input: &DeriveInput,
    attributes: &Attributes,
    this: &Type,
    generics: &Generics,
    fields: &[Field<'_>],
) -> TokenStream {
    let ident = &input.ident;
    // What is not `Copy` because of a field is told about the field only.
    let owns = |field: &Field<'_>| matches!(field.suspect, Some(Suspect { when: When::Owned, .. }));
    let copied =
        (!fields.iter().any(owns)).then(|| quote_spanned!(at(ident.span())=> __m::copied::<#this>();));
    let generic = !input.generics.params.is_empty();
    let messages = fields.iter().filter(|_| generic).map(Field::checked);
    let plain = fields.iter().filter(|_| generic && !attributes.checked);
    let plain = plain.filter_map(|field| field.suspect.as_ref()?.plain(&input.generics));
    let members = fields.iter().map(|field| &field.member);
    let found: Vec<_> = (0..fields.len()).map(|index| format_ident!("__field_{}", index)).collect();
    let same = fields.iter().zip(&found).map(|(Field { ty, .. }, found)| {
        quote_spanned! {at(ty.span())=>
            let #found = __m::type_of(#found);
            __m::is_read_as::<#ty, _>(#found);
        }
    });
    let taken_apart = quote_spanned!(at(ident.span())=> let #ident { #(#members: #found),* } = self;);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics __m::Definition for #this #where_clause {
            const HOLDS: () = {
                #copied
                #(let _ = #messages;)*
            };

            fn is_as_read(&self) {
                #taken_apart
                #(#same)*
            }
        }

        #(const _: () = { #plain };)*
    }
}
