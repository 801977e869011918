//! Structs.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DataStruct, DeriveInput, Error, Generics, Index, Member, Result, Type, parse_quote};

use crate::attributes::{Attributes, refuse_on_part};
use crate::refusal;

/// The largest alignment: a page, the least that a mapping has.
const MAX_ALIGN: u64 = 4096;

/// A field, and where errors about it point.
struct Field<'a> {
    member: Member,
    name: String,
    ty: &'a Type,
    span: Span,
}

pub(crate) fn expand(input: &DeriveInput, attributes: &Attributes, data: &DataStruct) -> Result<TokenStream> {
    refuse_repr(input, attributes)?;
    let fields = fields(input, attributes, data)?;
    let Attributes { name, version, krate, .. } = attributes;
    let ident = &input.ident;
    let generic = !input.generics.params.is_empty();
    let (_, type_generics, _) = input.generics.split_for_impl();
    let this: Type = parse_quote!(#ident #type_generics);
    let generics = bounded(&this, &input.generics, &fields);
    let (impl_generics, _, where_clause) = generics.split_for_impl();

    let names = fields.iter().map(|field| &field.name);
    let types: Vec<_> = fields.iter().map(|field| field.ty).collect();
    let offsets = fields.iter().map(|field| {
        let member = &field.member;
        quote!(::core::mem::offset_of!(#this, #member))
    });
    let schema_fields = names
        .zip(offsets.clone())
        .zip(&types)
        .map(|((name, offset), ty)| quote!(__m::Field::new(#name, #offset, <#ty as __m::Message>::SCHEMA)));
    let schema = quote_spanned! {at(ident.span())=>
        __m::Schema::structure(
            #name,
            #version,
            [::core::mem::size_of::<#this>(), ::core::mem::align_of::<#this>()],
            &const { [#(#schema_fields),*] },
        )
    };
    let copied = quote_spanned!(at(ident.span())=> __m::copied::<#this>());
    let checks = checks(&this, attributes, ident, &fields);
    // A type that is not generic is checked where it is defined, a generic one wherever it is used.
    let (here, wherever) = if generic {
        (
            assert_messages(&this, &copied, &generics_with_messages(&input.generics), &fields),
            quote!({ #(#checks)* }),
        )
    } else {
        (quote!(const _: () = #copied; #(const _: () = { #checks };)*), quote!(()))
    };
    let (checked, validate) = if attributes.checked {
        let names = fields.iter().map(|field| &field.name);
        (
            quote!(false #(|| <#types as __m::Message>::CHECKED)*),
            quote!(#(__m::validate_field::<#types>(bytes, #offsets, #names)?;)*),
        )
    } else {
        (quote!(false), quote!(let _ = bytes;))
    };
    let bytemuck = bytemuck(input, attributes, &fields);
    Ok(quote! {
        const _: () = {
            use #krate::__private as __m;

            // SAFETY: if `LAYOUT` evaluates (for a type that is not generic: if the checks below do), 1: the
            // fields have no padding, and none is between or after them; 2, 3: no field does otherwise, and
            // `validate` asks all that are checked; 4: size, alignment and offsets are the compiler's.
            #[automatically_derived]
            unsafe impl #impl_generics __m::Message for #this #where_clause {
                const SCHEMA: &'static __m::Schema = &const { #schema };
                const CHECKED: ::core::primitive::bool = #checked;
                const LAYOUT: () = #wherever;

                #[inline]
                fn validate(
                    bytes: &[::core::primitive::u8],
                ) -> ::core::result::Result<(), __m::InvalidField> {
                    #validate
                    ::core::result::Result::Ok(())
                }
            }

            #here
            #bytemuck
        };
    })
}

fn refuse_repr(input: &DeriveInput, attributes: &Attributes) -> Result<()> {
    let (ident, repr) = (&input.ident, &attributes.repr);
    if let Some(span) = repr.packed {
        return Err(Error::new(
            span,
            format!(
                "`{ident}` is packed, so its fields are misaligned: write `#[repr(C)]` and order the fields by size"
            ),
        ));
    }
    if !repr.c && !repr.transparent {
        return Err(Error::new(
            ident.span(),
            format!("Rust may order the fields of `{ident}` as it likes: write `#[repr(C)]` on it"),
        ));
    }
    match repr.align {
        Some((align, span)) if align > MAX_ALIGN => Err(Error::new(
            span,
            format!(
                "`{ident}` asks for an alignment of {align}, more than a page: write at most `align({MAX_ALIGN})`"
            ),
        )),
        _ => Ok(()),
    }
}

fn fields<'a>(
    input: &'a DeriveInput,
    attributes: &Attributes,
    data: &'a DataStruct,
) -> Result<Vec<Field<'a>>> {
    let mut errors: Option<Error> = None;
    let mut refuse = |error: Error| match &mut errors {
        Some(errors) => errors.combine(error),
        None => errors = Some(error),
    };
    let owner = input.ident.to_string();
    let mut fields = Vec::new();
    for (index, field) in data.fields.iter().enumerate() {
        let (member, name, span) = match &field.ident {
            Some(ident) => (Member::Named(ident.clone()), ident.unraw().to_string(), ident.span()),
            None => (Member::Unnamed(Index::from(index)), index.to_string(), field.ty.span()),
        };
        if let Err(error) = refuse_on_part(&field.attrs) {
            refuse(error);
        }
        if let Some(error) = refusal::of_field(&name, &field.ty, &owner, attributes.checked) {
            refuse(error);
        }
        fields.push(Field { member, name, ty: &field.ty, span });
    }
    if let Some(lifetime) = input.generics.lifetimes().next() {
        refuse(Error::new(
            lifetime.span(),
            format!("`{owner}` has a lifetime, and a message holds no references: remove it"),
        ));
    }
    errors.map_or(Ok(fields), Err)
}

/// The type's own bounds, and `Message` for its parameters.
fn generics_with_messages(generics: &Generics) -> Generics {
    let mut bounded = generics.clone();
    let parameters: Vec<_> = generics.type_params().map(|parameter| parameter.ident.clone()).collect();
    let clause = bounded.make_where_clause();
    for parameter in parameters {
        clause.predicates.push(parse_quote!(#parameter: __m::Message));
    }
    bounded
}

/// Also `Copy` for the type and `Message` for the fields, in the form that is no error here where it does not
/// hold.
fn bounded(this: &Type, generics: &Generics, fields: &[Field<'_>]) -> Generics {
    let mut bounded = generics_with_messages(generics);
    let clause = bounded.make_where_clause();
    clause.predicates.push(parse_quote!(for<'__m> #this: __m::IsCopy<'__m>));
    for Field { ty, .. } in fields {
        clause.predicates.push(parse_quote!(for<'__m> #ty: __m::IsMessage<'__m>));
    }
    bounded
}

/// Where an error is shown; names are still those of the expansion.
pub(crate) fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// Per field: it is a message, it is plain if the struct is, its own layout holds, and there is no padding
/// after it.
fn checks(
    this: &Type,
    attributes: &Attributes,
    ident: &syn::Ident,
    fields: &[Field<'_>],
) -> Vec<TokenStream> {
    let check = |(index, field): (usize, &Field<'_>)| {
        let Field { member, name, ty, span } = field;
        let message = quote_spanned!(at(ty.span())=> <#ty as __m::Message>);
        let plain = (!attributes.checked).then(|| {
            let said = refusal::hidden_checked(name, &ident.to_string());
            quote_spanned!(at(ty.span())=> __m::plain(#message::CHECKED, #said);)
        });
        // The one field with a size of a transparent struct has no padding round it, and the others may be
        // at any offset.
        let padding = (!attributes.repr.transparent).then(|| {
            let next = match fields.get(index + 1) {
                Some(Field { member, .. }) => quote!(::core::mem::offset_of!(#this, #member)),
                None => quote!(::core::mem::size_of::<#this>()),
            };
            let start = match member {
                Member::Named(_) => format!("{}: [u8; ", free_name(fields, index)),
                Member::Unnamed(_) => "[u8; ".to_owned(),
            };
            quote_spanned! {at(*span)=>
                __m::no_padding(
                    #name,
                    ::core::mem::offset_of!(#this, #member) + ::core::mem::size_of::<#ty>(),
                    #next,
                    [#start, "],"],
                );
            }
        });
        quote!(#plain let () = #message::LAYOUT; #padding)
    };
    fields.iter().enumerate().map(check).collect()
}

/// `_pad`, or with a number if that is taken.
fn free_name(fields: &[Field<'_>], index: usize) -> String {
    let taken = |name: &String| fields.iter().any(|field| field.name == *name);
    let names = std::iter::once("_pad".to_owned()).chain((index + 1..).map(|number| format!("_pad{number}")));
    names.into_iter().find(|name| !taken(name)).unwrap_or_default()
}

/// For a generic type, whose layout is checked later: that it is `Copy`, and the fields are messages, is
/// checked now.
fn assert_messages(
    this: &Type,
    copied: &TokenStream,
    generics: &Generics,
    fields: &[Field<'_>],
) -> TokenStream {
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let asserts = fields
        .iter()
        .map(|Field { ty, .. }| quote_spanned!(at(ty.span())=> let () = <#ty as __m::Message>::LAYOUT;));
    quote! {
        #[automatically_derived]
        impl #impl_generics __m::Fields for #this #where_clause {
            const ARE_MESSAGES: () = {
                #copied;
                #(#asserts)*
            };
        }
    }
}

/// The impls of bytemuck's traits that hold for all parameters.
fn bytemuck(input: &DeriveInput, attributes: &Attributes, fields: &[Field<'_>]) -> TokenStream {
    let ident = &input.ident;
    let (_, type_generics, _) = input.generics.split_for_impl();
    let this: Type = parse_quote!(#ident #type_generics);
    let mut generics = generics_with_messages(&input.generics);
    let clause = generics.make_where_clause();
    clause.predicates.push(parse_quote!(for<'__m> #this: __m::IsCopy<'__m>));
    if !input.generics.params.is_empty() {
        let Some(element) = only_element(fields).filter(|_| attributes.repr.align.is_none()) else {
            return TokenStream::new();
        };
        let clause = generics.make_where_clause();
        clause.predicates.push(parse_quote!(for<'__m> #element: __m::IsPod<'__m>));
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
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    if attributes.checked {
        quote! {
            // SAFETY: the checks above show that it has no padding.
            #[automatically_derived]
            unsafe impl #impl_generics __m::NoUninit for #this #where_clause {}

            // SAFETY: `Bits` has the size and alignment of the struct, and `validate` knows the valid bits.
            #[automatically_derived]
            unsafe impl #impl_generics __m::CheckedBitPattern for #this #where_clause {
                type Bits = __m::Bits<#this, { ::core::mem::size_of::<#this>() }>;

                #[inline]
                fn is_valid_bit_pattern(bits: &Self::Bits) -> ::core::primitive::bool {
                    <#this as __m::Message>::validate(bits.bytes()).is_ok()
                }
            }
        }
    } else {
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

/// The type that all fields, arrays taken apart, have: without padding whatever it is. Types are compared as
/// they are written, so none with a macro is taken, which may mean another type each time.
fn only_element<'a>(fields: &[Field<'a>]) -> Option<&'a Type> {
    let element = |field: &Field<'a>| {
        let mut ty = field.ty;
        while let Type::Array(array) = ty {
            ty = &array.elem;
        }
        ty
    };
    let text = |ty: &Type| ty.to_token_stream().to_string();
    let first = element(fields.first()?);
    let same = fields.iter().all(|field| text(element(field)) == text(first));
    (same && !text(first).contains('!')).then_some(first)
}
