//! A function of many keys: a slice of them, of which it is asked for those that are missing.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, GenericArgument, PathArguments, Result, ReturnType, Type};

use crate::function::{Argument, Function};
use crate::options::Options;
use crate::parts::local;
use crate::returned::Returned;

pub struct Many {
    /// The argument.
    pub name: Ident,
    /// What it is a slice of.
    pub item: Type,
}

impl Many {
    /// Reads which argument it is. What is kept is one of the returned values.
    pub fn read(
        options: &Options,
        arguments: &[Argument],
        returned: &mut Returned,
    ) -> Result<Option<Many>> {
        let Some(name) = &options.many else { return Ok(None) };
        let Some(argument) = arguments.iter().find(|argument| argument.name == *name) else {
            let what =
                format!("there is no argument `{name}`; write the one that is a slice of keys");
            return Err(Error::new(name.span(), what));
        };
        if !argument.is_part {
            let what = format!("`{name}` is what the keys are made of; leave it out of `skip`");
            return Err(Error::new(name.span(), what));
        }
        let Some(item) = item_of_slice(&argument.kind) else {
            let what = "many keys are a slice; write `&[K]`";
            return Err(Error::new_spanned(&argument.kind, what));
        };
        let wanted = "a function of many keys gives a value for each, in their order, and may give another number \
                      of them by mistake; let it return `Result<Vec<V>, E>`";
        match item_of_vec(&returned.value).filter(|_| returned.is_fallible) {
            Some(value) => returned.value = value.clone(),
            None => return Err(Error::new_spanned(&returned.value, wanted)),
        }
        Ok(Some(Many { name: name.clone(), item: item.clone() }))
    }

    /// `let keys = ...;`, of a key for each one of the slice.
    pub fn make_keys(&self, function: &Function) -> TokenStream {
        let (Many { name, item }, make_key) = (self, function.make_key());
        let (keys, key) = (local("keys"), local("key"));
        quote! {
            let #keys: ::std::vec::Vec<::beaker::cache::ArgumentKey> = #name
                .iter()
                .map(|#name: &#item| { #make_key #key })
                .collect();
        }
    }

    /// The look at the cache, and the call for what is missing.
    pub fn call(&self, function: &Function) -> TokenStream {
        let Many { name, item } = self;
        let (cache, keys) = (local("cache"), local("keys"));
        let made = self.made(function);
        let output = function.item.sig.output.span();
        let call = quote_spanned!(output=> ::beaker::cache::cached::try_call_many);
        quote!(#call(#cache, #name, &#keys, move |#name: &[#item]| #made))
    }

    /// `refresh`, of all that are asked for.
    pub fn refresh(&self, function: &Function) -> TokenStream {
        let (cache, keys) = (local("cache"), local("keys"));
        let (take_cache, make_keys) = (function.take_cache(), self.make_keys(function));
        let made = self.made(function);
        let output = match &function.item.sig.output {
            ReturnType::Type(_, output) => quote!(#output),
            ReturnType::Default => quote!(()),
        };
        function.about_all(
            "refresh",
            "Calls the function for all keys, whatever is kept, and keeps what it gives in that one's place.",
            output,
            quote!(#take_cache #make_keys ::beaker::cache::cached::try_refresh_many(#cache, #keys, #made?)),
        )
    }

    /// What the function gives, by the rules of the attribute.
    fn made(&self, function: &Function) -> TokenStream {
        let (original, made) = (function.call_original(), function.made(false));
        let all = local("all");
        quote!(#original.map(|#all| #all.into_iter().map(#made).collect::<::std::vec::Vec<_>>()))
    }
}

fn item_of_slice(kind: &Type) -> Option<&Type> {
    match kind {
        Type::Reference(lent) if lent.mutability.is_none() => match &*lent.elem {
            Type::Slice(slice) => Some(&slice.elem),
            _ => None,
        },
        _ => None,
    }
}

fn item_of_vec(kind: &Type) -> Option<&Type> {
    let Type::Path(path) = kind else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Vec")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(item) => Some(item),
        _ => None,
    }
}
