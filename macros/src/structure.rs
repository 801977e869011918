//! Structs.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DataStruct, DeriveInput, Error, Generics, Index, Member, Result, Type, parse_quote};

use crate::attributes::{Attributes, refuse_on_part};
use crate::checks::{at, checks, definition};
use crate::pod;
use crate::refusal::{self, Suspect};

/// The largest alignment: a page, the least that a mapping has.
const MAX_ALIGN: u64 = 4096;

/// A field, and where errors about it point.
pub(crate) struct Field<'a> {
    pub(crate) member: Member,
    pub(crate) name: String,
    pub(crate) ty: &'a Type,
    pub(crate) span: Span,
    /// Set if it is called like a type that is no message, and may be that one.
    pub(crate) suspect: Option<Suspect<'a>>,
}

impl Field<'_> {
    /// An expression for whether it is checked, that is an error if it is no message.
    pub(crate) fn checked(&self) -> TokenStream {
        self.suspect.as_ref().map_or_else(|| refusal::checked(self.ty), Suspect::checked)
    }
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
        quote!(__m::core::mem::offset_of!(#this, #member))
    });
    let schema_fields = names
        .zip(offsets.clone())
        .zip(&types)
        .map(|((name, offset), ty)| quote!(__m::Field::new(#name, #offset, <#ty as __m::Message>::SCHEMA)));
    let schema = quote_spanned! {at(ident.span())=>
        __m::Schema::structure(
            #name,
            #version,
            [__m::core::mem::size_of::<#this>(), __m::core::mem::align_of::<#this>()],
            &const { [#(#schema_fields),*] },
        )
    };
    let checks = checks(&this, attributes, ident, &fields);
    // A type that is not generic is checked where it is defined, a generic one wherever it is used.
    let (here, wherever) = if generic {
        (quote!(), quote!({ #(#checks)* }))
    } else {
        (quote!(#(const _: () = { #checks };)*), quote!(()))
    };
    let definition = definition(input, attributes, &this, &generics_with_messages(&input.generics), &fields);
    let (checked, validate) = if attributes.checked {
        let names = fields.iter().map(|field| &field.name);
        (
            quote!(false #(|| <#types as __m::Message>::CHECKED)*),
            quote!(#(__m::validate_field::<#types>(bytes, #offsets, #names)?;)*),
        )
    } else {
        (quote!(false), quote!(let _ = bytes;))
    };
    let bytemuck = pod::expand(input, attributes, &this, generics_with_messages(&input.generics), &fields);
    Ok(quote! {
        #[allow(deprecated)]
        const _: () = {
            use #krate::__private as __m;

            // SAFETY: if `LAYOUT` evaluates (for a type that is not generic: if the checks below do), 1: the
            // fields have no padding, and none is between or after them; 2, 3: no field does otherwise, and
            // `validate` asks all that are checked; 4: size, alignment and offsets are the compiler's.
            #[automatically_derived]
            unsafe impl #impl_generics __m::Message for #this #where_clause {
                const SCHEMA: &'static __m::Schema = &const { #schema };
                const CHECKED: __m::core::primitive::bool = #checked;
                const LAYOUT: () = #wherever;

                #[inline]
                fn validate(
                    bytes: &[__m::core::primitive::u8],
                ) -> __m::core::result::Result<(), __m::InvalidField> {
                    #validate
                    __m::core::result::Result::Ok(())
                }
            }

            #definition
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
    if let Some((word, span)) = repr.others.first() {
        return Err(Error::new(
            *span,
            format!("`{ident}` has `repr({word})`, which says nothing known here: write `#[repr(C)]` on it"),
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
    let owner = input.ident.unraw().to_string();
    let mut fields = Vec::new();
    for (index, field) in data.fields.iter().enumerate() {
        let (member, name, span) = match &field.ident {
            Some(ident) => (Member::Named(ident.clone()), ident.unraw().to_string(), ident.span()),
            None => (Member::Unnamed(Index::from(index)), index.to_string(), field.ty.span()),
        };
        if let Err(error) = refuse_on_part(&field.attrs) {
            refuse(error);
        }
        if let Some(error) = refusal::of_field(&name, &field.ty) {
            refuse(error);
        }
        let suspect = refusal::suspect(&name, &field.ty, &owner, attributes.checked);
        fields.push(Field { member, name, ty: &field.ty, span, suspect });
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
