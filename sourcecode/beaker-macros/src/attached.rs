//! What is attached to a cached function: `get`, `set`, `invalidate`, `refresh`, `original`, `key`,
//! `cache`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, ReturnType};

use crate::function::{Function, without_mut};
use crate::many::Many;
use crate::parts::{conditions, local};

pub fn expand(function: &Function) -> TokenStream {
    let value = &function.returned.value;
    let (cache, key, given) = (local("cache"), local("key"), local("value"));
    let (take_cache, make_key, made) =
        (function.take_cache(), function.make_key(), function.made(false));
    let made_always = function.made(true);
    let original = function.call_original();
    let own = function.own_cache();
    let body = function.original();

    let get = function.about_key(
        "get",
        "The kept value, if there is one that has not expired. Nothing is made.",
        quote!(),
        quote!(::beaker::Result<::core::option::Option<#value>>),
        quote!(#take_cache #make_key ::beaker::cache::Cache::get(#cache, &#key)),
    );
    let set = function.about_key(
        "set",
        "Keeps a value, as if the function had given it.",
        quote!(#given: #value),
        quote!(::beaker::Result<()>),
        quote!(#take_cache #make_key ::beaker::cache::Cache::put(#cache, &#key, (#made_always)(#given))),
    );
    let invalidate = function.about_key(
        "invalidate",
        "Forgets the kept value, and tells whether there was one. What is being made meanwhile is \
         not kept.",
        quote!(),
        quote!(::beaker::Result<bool>),
        quote!(#take_cache #make_key ::beaker::cache::Cache::remove(#cache, &#key)),
    );
    let key_of = function.about_key(
        "key",
        "The key of the value, for the methods of the cache.",
        quote!(),
        quote!(::beaker::cache::ArgumentKey),
        quote!(#make_key ::beaker::cache::cached::key(#key)),
    );

    if let Some(many) = &function.many {
        let refresh = many.refresh(function);
        return quote!(#get #set #invalidate #refresh #body #key_of #own);
    }
    let arguments = quote!((#cache, &#key, (#made)(#given)));
    let (output, refreshed) = match (&function.item.sig.output, function.returned.is_fallible) {
        (ReturnType::Type(_, output), true) => {
            let done = quote_spanned!(output.span()=> ::beaker::cache::cached::try_refresh);
            (quote!(#output), quote!(let #given = #original?; #done #arguments))
        }
        _ => {
            let done = quote!(::beaker::cache::cached::refresh);
            (quote!(::beaker::Result<#value>), quote!(let #given = #original; #done #arguments))
        }
    };
    let refresh = function.about_all(
        "refresh",
        "Calls the function, whatever is kept, and keeps what it gives in that one's place.",
        output,
        quote!(#take_cache #make_key #refreshed),
    );
    quote!(#get #set #invalidate #refresh #body #key_of #own)
}

impl Function {
    /// A function of what the key is made of.
    fn about_key(
        &self,
        what: &str,
        doc: &str,
        more: TokenStream,
        output: TokenStream,
        body: TokenStream,
    ) -> TokenStream {
        let arguments = self.arguments.iter().filter(|argument| argument.is_attached);
        let arguments = arguments.map(|argument| {
            let (name, kind) = (&argument.name, &argument.kind);
            match self.many.as_ref().filter(|many| many.name == *name) {
                // One of them.
                Some(Many { item, .. }) => quote!(#name: &#item,),
                None => quote!(#name: #kind,),
            }
        });
        let receiver = self.has_receiver.then(|| {
            let receiver = Ident::new("self", Span::call_site());
            quote!(&#receiver,)
        });
        self.write(what, doc, quote!(#receiver #(#arguments)* #more), output, body)
    }

    /// A function of all the arguments.
    pub fn about_all(
        &self,
        what: &str,
        doc: &str,
        output: TokenStream,
        body: TokenStream,
    ) -> TokenStream {
        let inputs = without_mut(&self.item);
        self.write(what, doc, quote!(#(#inputs),*), output, body)
    }

    fn write(
        &self,
        what: &str,
        doc: &str,
        inputs: TokenStream,
        output: TokenStream,
        body: TokenStream,
    ) -> TokenStream {
        let (vis, generics) = (&self.item.vis, &self.item.sig.generics);
        let (name, wheres) = (self.attached(what), &generics.where_clause);
        let conditions = conditions(&self.item);
        let doc = format!("`{}`: {doc}", self.item.sig.ident);
        quote! {
            #(#conditions)*
            #[doc = #doc]
            #[allow(dead_code, clippy::all)]
            #vis fn #name #generics (#inputs) -> #output #wheres { #body }
        }
    }

    /// The function as it was written.
    fn original(&self) -> TokenStream {
        let item = &self.item;
        let is_kept = |attribute: &&Attribute| {
            let kept = ["cfg", "cfg_attr", "allow", "expect", "warn", "deny", "forbid"];
            kept.iter().any(|name| attribute.path().is_ident(name))
        };
        let attributes = item.attrs.iter().filter(is_kept);
        let (vis, mut sig, block) = (&item.vis, item.sig.clone(), &item.block);
        sig.ident = self.attached("original");
        let doc = format!("`{}`: The function itself, past the cache.", item.sig.ident);
        quote! {
            #(#attributes)*
            #[doc = #doc]
            #[allow(dead_code)]
            #vis #sig #block
        }
    }
}
