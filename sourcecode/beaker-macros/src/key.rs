//! The key that a value is kept under.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::GenericParam;
use syn::spanned::Spanned;

use crate::function::Function;
use crate::parts::local;

impl Function {
    /// `let key = ...;`
    pub fn make_key(&self) -> TokenStream {
        let key = local("key");
        let mut parts = Vec::new();
        for parameter in &self.item.sig.generics.params {
            match parameter {
                GenericParam::Type(parameter) => {
                    let name = &parameter.ident;
                    parts.push(quote!(::core::any::type_name::<#name>()));
                }
                GenericParam::Const(parameter) => {
                    let name = &parameter.ident;
                    parts.push(quote!(&#name));
                }
                GenericParam::Lifetime(_) => {}
            }
        }
        if let Some(expression) = &self.options.key {
            parts.push(quote_spanned!(expression.span()=> &(#expression)));
        }
        if self.has_receiver && !self.skips_receiver {
            let span = self.item.sig.receiver().map_or_else(Span::call_site, Spanned::span);
            let receiver = Ident::new("self", Span::call_site());
            parts.push(quote_spanned!(span=> #receiver));
        }
        for argument in self.arguments.iter().filter(|argument| argument.is_part) {
            let name = &argument.name;
            parts.push(quote_spanned!(argument.kind.span()=> &#name));
        }
        let appends = parts.iter().map(|part| {
            let span = part.span();
            quote_spanned!(span=> ::beaker::cache::KeyPart::append(#part, &mut #key);)
        });
        let name = self.name();
        quote! {
            #[allow(unused_mut)]
            let mut #key = #name;
            #(#appends)*
        }
    }

    /// What the key begins with.
    fn name(&self) -> TokenStream {
        let name = &self.item.sig.ident;
        let text = name.to_string();
        let start = match &self.options.name {
            Some(name) => quote!(::beaker::cache::ArgumentKey::new(#name)),
            // With the path to it, the functions that it stands in among it. In a cache of its own
            // the name is only for those who read an error, and the shorter key is found sooner.
            None if !self.is_method && self.options.is_given() => {
                quote!(::beaker::cache::ArgumentKey::new(::core::any::type_name::<#name>()))
            }
            None => quote!(::beaker::cache::ArgumentKey::new(#text)),
        };
        match self.is_method {
            true => quote!(#start.with(::core::any::type_name::<Self>())),
            false => start,
        }
    }
}
