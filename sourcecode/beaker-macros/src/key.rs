//! The key that a value is kept under.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericParam, Type};

use crate::function::Function;
use crate::parts::local;

impl Function {
    /// `let key = ...;`, of something that gives bytes.
    pub fn make_key(&self) -> TokenStream {
        let key = local("key");
        if let Some(bytes) = self.whole_key() {
            return quote!(let #key: &[u8] = #bytes;);
        }
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

    /// Text or bytes that are all there is to the key, so that nothing need be put together. What is
    /// lent can be the key while the function has it too.
    fn whole_key(&self) -> Option<TokenStream> {
        let is_plain = self.has_own_key() && self.options.key.is_none() && self.many.is_none();
        let mut generics = self.item.sig.generics.params.iter();
        let has_types = generics.any(|one| !matches!(one, GenericParam::Lifetime(_)));
        let mut parts = self.arguments.iter().filter(|argument| argument.is_part);
        let (Some(part), None) = (parts.next(), parts.next()) else { return None };
        let (true, Type::Reference(lent)) = (is_plain && !has_types, &part.kind) else {
            return None;
        };
        if lent.mutability.is_some() {
            return None;
        }
        let name = &part.name;
        match lent.elem.to_token_stream().to_string().as_str() {
            "str" => Some(quote!(::core::primitive::str::as_bytes(#name))),
            "[u8]" => Some(quote!(#name)),
            _ => None,
        }
    }

    /// Nobody else's keys are where this function's are: no name tells them apart, and a shorter key
    /// is found sooner.
    fn has_own_key(&self) -> bool {
        !self.is_method && !self.options.is_given() && self.options.name.is_none()
    }

    /// What the key begins with.
    fn name(&self) -> TokenStream {
        if self.has_own_key() {
            return quote!(<::beaker::cache::ArgumentKey as ::core::default::Default>::default());
        }
        let name = &self.item.sig.ident;
        let text = name.to_string();
        let start = match &self.options.name {
            Some(name) => quote!(::beaker::cache::ArgumentKey::new(#name)),
            // With the path to it, the functions that it stands in among it.
            None if !self.is_method => {
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
