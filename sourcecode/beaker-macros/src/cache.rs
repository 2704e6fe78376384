//! The cache that a function uses: one that is given, or one of its own.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::call::{conditions, local};
use crate::function::Function;

impl Function {
    /// `let cache: &Cache<V> = ...;`
    pub fn take_cache(&self) -> TokenStream {
        let (cache, value) = (local("cache"), &self.returned.value);
        match &self.options.cache {
            None => {
                let own = self.attached_path("cache");
                quote!(let #cache = #own();)
            }
            Some(expression) => {
                let stale_for = self.options.stale_for.as_ref().map(|time| {
                    quote!(let #cache = &::beaker::cache::Cache::clone(#cache).stale_for(#time);)
                });
                let reference = quote_spanned!(expression.span()=> &(#expression));
                quote! {
                    let #cache: &::beaker::cache::Cache<#value> = #reference;
                    #stale_for
                }
            }
        }
    }

    /// The cache that only this function uses, if it is not told to use another one.
    pub fn own_cache(&self) -> Option<TokenStream> {
        if self.options.cache.is_some() {
            return None;
        }
        let (vis, value, name) = (&self.item.vis, &self.returned.value, self.attached("cache"));
        let conditions = conditions(&self.item);
        let size = self.options.size.as_ref().map_or_else(|| quote!(1000), |size| quote!(#size));
        let stale_for = self.options.stale_for.as_ref().map(|time| quote!(.stale_for(#time)));
        let doc = format!("`{}`: The cache of its own, in memory.", self.item.sig.ident);
        Some(quote! {
            #(#conditions)*
            #[doc = #doc]
            #[allow(dead_code)]
            #vis fn #name() -> &'static ::beaker::cache::Cache<#value> {
                static CACHE: ::std::sync::LazyLock<::beaker::cache::Cache<#value>> =
                    ::std::sync::LazyLock::new(|| ::beaker::cache::Cache::in_memory(#size)#stale_for);
                &CACHE
            }
        })
    }
}
