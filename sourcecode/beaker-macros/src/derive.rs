//! `#[derive(KeyPart)]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Result, parse_quote};

pub fn expand(item: &DeriveInput) -> Result<TokenStream> {
    let key = Ident::new("key", Span::mixed_site());
    let name = &item.ident;
    let body = match &item.data {
        Data::Struct(data) => {
            let (pattern, parts) = parts(&data.fields, &key);
            quote!(let #name #pattern = self; #parts)
        }
        Data::Enum(data) if data.variants.is_empty() => quote!(match *self {}),
        Data::Enum(data) => {
            let arms = data.variants.iter().map(|variant| {
                let (variant, (pattern, parts)) = (&variant.ident, parts(&variant.fields, &key));
                let text = variant.to_string();
                quote! {
                    #name::#variant #pattern => {
                        ::beaker::cache::KeyPart::append(#text, #key);
                        #parts
                    }
                }
            });
            quote!(match self { #(#arms)* })
        }
        Data::Union(data) => {
            let what =
                "nobody knows which field of a union is in use; write `impl KeyPart` by hand";
            return Err(Error::new(data.union_token.span(), what));
        }
    };
    let mut generics = item.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(::beaker::cache::KeyPart));
    }
    let (parameters, arguments, wheres) = generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #parameters ::beaker::cache::KeyPart for #name #arguments #wheres {
            fn append(&self, #key: &mut ::beaker::cache::ArgumentKey) {
                #body
            }
        }
    })
}

/// A pattern that takes fields apart, and what appends each.
fn parts(fields: &Fields, key: &Ident) -> (TokenStream, TokenStream) {
    let names: Vec<Ident> = (0..fields.len()).map(|place| format_ident!("field_{place}")).collect();
    let members = fields.members();
    let pattern = quote!({ #(#members: #names),* });
    let appends = fields.iter().zip(&names).map(|(field, name)| {
        quote_spanned!(field.ty.span()=> ::beaker::cache::KeyPart::append(#name, #key);)
    });
    let appends = match fields.is_empty() {
        // No part is without a byte.
        true => quote!(::beaker::cache::KeyPart::append(&(), #key);),
        false => quote!(#(#appends)*),
    };
    (pattern, appends)
}
