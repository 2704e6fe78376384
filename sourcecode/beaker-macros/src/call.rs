//! The function as its callers see it: the same signature, with a look at the cache first.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericParam, ItemFn};

use crate::attached;
use crate::function::{Function, without_mut};
use crate::parts::{conditions, local};

pub fn expand(function: &Function) -> TokenStream {
    let wrapper = wrapper(function);
    let attached = attached::expand(function);
    if function.is_method {
        return quote!(#wrapper #attached);
    }
    let ItemFn { vis, sig, .. } = &function.item;
    let name = &sig.ident;
    let conditions = conditions(&function.item);
    let doc = format!("What else can be done with the values that [`{name}()`] keeps.");
    quote! {
        #wrapper

        #(#conditions)*
        #[doc = #doc]
        #[allow(non_camel_case_types, dead_code)]
        #vis enum #name {}

        #(#conditions)*
        impl #name {
            #attached
        }
    }
}

fn wrapper(function: &Function) -> TokenStream {
    let item = &function.item;
    let attributes = item.attrs.iter().filter(|attribute| !attribute.path().is_ident("expect"));
    let (vis, mut sig) = (&item.vis, item.sig.clone());
    sig.inputs = without_mut(item).into_iter().collect();
    let (cache, key) = (local("cache"), local("key"));
    let (take_cache, make_key) = (function.take_cache(), function.make_key());
    let original = function.call_original();
    let made = function.made(false);
    if let Some(many) = &function.many {
        let (keys, call) = (many.make_keys(function), many.call(function));
        return quote! {
            #(#attributes)*
            #[allow(clippy::all)]
            #vis #sig {
                #take_cache
                #keys
                #call
            }
        };
    }
    let create = match function.returned.is_fallible {
        true => {
            let call = quote_spanned!(sig.output.span()=> ::beaker::cache::cached::try_call);
            quote!(#call(#cache, &#key, move || #original.map(#made)))
        }
        false => {
            quote!(::beaker::cache::cached::call(#cache, &#key, move || (#made)(#original)))
        }
    };
    quote! {
        #(#attributes)*
        #[allow(clippy::all)]
        #vis #sig {
            #take_cache
            #make_key
            #create
        }
    }
}

impl Function {
    /// The name of what is attached: `standings::get`, or for methods `standings_get`.
    pub fn attached(&self, what: &str) -> Ident {
        match self.is_method {
            true => format_ident!("{}_{what}", self.item.sig.ident),
            false => Ident::new(what, self.item.sig.ident.span()),
        }
    }

    pub fn attached_path(&self, what: &str) -> TokenStream {
        let attached = self.attached(what);
        match self.is_method {
            true => quote!(Self::#attached),
            false => {
                let name = &self.item.sig.ident;
                quote!(#name::#attached)
            }
        }
    }

    pub fn call_original(&self) -> TokenStream {
        let original = self.attached_path("original");
        let parameters =
            self.item.sig.generics.params.iter().filter_map(|parameter| match parameter {
                GenericParam::Type(parameter) => Some(&parameter.ident),
                GenericParam::Const(parameter) => Some(&parameter.ident),
                GenericParam::Lifetime(_) => None,
            });
        let receiver = self.has_receiver.then(|| {
            let receiver = Ident::new("self", Span::call_site());
            quote!(#receiver,)
        });
        let arguments = self.arguments.iter().map(|argument| &argument.name);
        // The hidden types of `impl ...` arguments cannot be named beside others.
        let is_hidden = self.item.sig.inputs.iter().any(|input| {
            matches!(input, syn::FnArg::Typed(typed) if matches!(*typed.ty, syn::Type::ImplTrait(_)))
        });
        let generics = (!is_hidden).then(|| quote!(::<#(#parameters),*>));
        quote!(#original #generics (#receiver #(#arguments),*))
    }

    /// A closure from the value to what is kept of it; `always`, whatever `keep_if` says.
    pub fn made(&self, always: bool) -> TokenStream {
        let value = local("value");
        let kind = &self.returned.value;
        let ttl = match &self.options.ttl {
            Some(time) => quote!(::core::option::Option::Some(#time)),
            None => quote!(::core::option::Option::None),
        };
        let is_kept = match self.options.keep_if.as_ref().filter(|_| !always) {
            Some(keep_if) => quote!(::beaker::cache::cached::is_kept(&#value, #keep_if)),
            None => quote!(true),
        };
        let is_kept_name = local("is_kept");
        quote! {
            |#value: #kind| {
                let #is_kept_name = #is_kept;
                ::beaker::cache::cached::made(#value, #ttl, #is_kept_name)
            }
        }
    }
}
