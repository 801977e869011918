//! Attribute macros that change the type they stand on, as some do. Below a derive they come after it.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// `replace(word, tokens)` puts the tokens where the word is in the braces or parentheses of the type.
#[proc_macro_attribute]
pub fn replace(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut arguments = arguments.into_iter();
    let word = arguments.next().expect("a word").to_string();
    let tokens: TokenStream = arguments.skip(1).collect();
    within(item, &word, &tokens)
}

fn within(item: TokenStream, word: &str, tokens: &TokenStream) -> TokenStream {
    let changed = |tree: TokenTree| match tree {
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), within(group.stream(), word, tokens));
            inner.set_span(group.span());
            TokenTree::Group(inner).into()
        }
        TokenTree::Ident(ident) if ident.to_string() == word => tokens.clone(),
        other => TokenStream::from(other),
    };
    item.into_iter().flat_map(changed).collect()
}

/// `attribute(tokens)` puts `#[tokens]` on the type.
#[proc_macro_attribute]
pub fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut out: TokenStream = "#".parse().expect("a token");
    out.extend(TokenStream::from(TokenTree::Group(Group::new(Delimiter::Bracket, arguments))));
    out.extend(item);
    out
}
