//! The cache that a function uses: one that is given, or one of its own.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Result};

use crate::function::Function;
use crate::parts::{conditions, local};

impl Function {
    /// A region may not be configured, and somebody has to say so.
    pub fn check_region(&self) -> Result<()> {
        let Some(region) = &self.options.region else { return Ok(()) };
        if !self.returned.is_fallible {
            let what = "a region may not be configured yet, and a function that cannot fail has no \
                        way to say so; let it return `Result<V, E>`";
            return Err(Error::new_spanned(region, what));
        }
        if self.is_method && self.options.name.is_none() {
            let what = "the region's cache needs a name; write `name = \"...\"` beside `region`";
            return Err(Error::new_spanned(region, what));
        }
        Ok(())
    }

    fn name_in_region(&self) -> TokenStream {
        let function = &self.item.sig.ident;
        match &self.options.name {
            Some(name) => quote!(#name),
            None => quote!(::core::any::type_name::<#function>()),
        }
    }

    /// `let cache: &Cache<V> = ...;`
    pub fn take_cache(&self) -> TokenStream {
        let (cache, value) = (local("cache"), &self.returned.value);
        let stale_for = self.options.stale_for.as_ref().map(
            |time| quote!(let #cache = &::beaker::cache::Cache::clone(#cache).stale_for(#time);),
        );
        if let Some(region) = &self.options.region {
            let name = self.name_in_region();
            let region = quote_spanned!(region.span()=> (#region));
            let open = match self.options.objects {
                Some(_) => quote!(objects),
                None => quote!(cache),
            };
            return quote! {
                let #cache: &::beaker::cache::Cache<#value> = &#region.#open(#name)?;
                #stale_for
            };
        }
        match &self.options.cache {
            None => {
                let own = self.attached_path("cache");
                quote!(let #cache = #own();)
            }
            Some(expression) => {
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
        if self.options.is_given() {
            return None;
        }
        let (vis, value, name) = (&self.item.vis, &self.returned.value, self.attached("cache"));
        let conditions = conditions(&self.item);
        let function = self.item.sig.ident.to_string();
        let size = self.options.size.as_ref().map_or_else(|| quote!(1000), |size| quote!(#size));
        let stale_for = self.options.stale_for.as_ref().map(|time| quote!(.stale_for(#time)));
        let doc = format!("`{}`: The cache of its own, in memory.", self.item.sig.ident);
        Some(quote! {
            #(#conditions)*
            #[doc = #doc]
            #[allow(dead_code)]
            #vis fn #name() -> &'static ::beaker::cache::Cache<#value> {
                static CACHE: ::std::sync::LazyLock<::beaker::cache::Cache<#value>> =
                    ::std::sync::LazyLock::new(|| ::beaker::cache::cached::own(#size, #function)#stale_for);
                &CACHE
            }
        })
    }
}
