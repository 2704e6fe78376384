//! The macros of the crate `beaker`. Use them from there, with the feature `macros`.

mod attached;
mod cache;
mod call;
mod derive;
mod function;
mod key;
mod many;
mod options;
mod parts;
mod returned;
mod time;

use proc_macro::TokenStream;
use quote::quote;
use syn::{DeriveInput, ItemFn, parse_macro_input};

use function::Function;
use options::Options;

#[doc = include_str!("cached.md")]
#[proc_macro_attribute]
pub fn cached(options: TokenStream, item: TokenStream) -> TokenStream {
    let untouched = proc_macro2::TokenStream::from(item.clone());
    let expand = || {
        let options: Options = syn::parse(options)?;
        let item: ItemFn = syn::parse(item).map_err(|error| {
            let what = "`#[cached]` goes on a function or a method with a body";
            syn::Error::new(error.span(), format!("{what}: {error}"))
        })?;
        let function = Function::new(options, item)?;
        function.check_region()?;
        Ok(call::expand(&function))
    };
    let expanded = expand().unwrap_or_else(|error: syn::Error| {
        // With the function as it was, so that its callers are no mistakes too.
        let error = error.into_compile_error();
        quote!(#error #untouched)
    });
    expanded.into()
}

/// Implements `KeyPart` for a type, which makes it usable as a part of cache keys. The key contains all
/// fields in their order, and for an enum also the name of its variant.
///
/// ```
/// use beaker::cache::{ArgumentKey, KeyPart};
///
/// #[derive(KeyPart)]
/// enum Of {
///     Driver { number: u8 },
///     Team(String),
/// }
///
/// let key = |of: Of| ArgumentKey::new("points").with(&of);
/// assert_ne!(key(Of::Driver { number: 6 }), key(Of::Team("6".into())));
/// ```
///
/// Changing the fields or renaming a variant changes the keys, so values cached under the old keys are no
/// longer found.
#[proc_macro_derive(KeyPart)]
pub fn key_part(item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as DeriveInput);
    derive::expand(&item).unwrap_or_else(syn::Error::into_compile_error).into()
}
