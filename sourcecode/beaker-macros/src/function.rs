//! The function under the attribute, taken apart and checked.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Error, FnArg, ItemFn, Pat, PatIdent, PatType, Result, Token, Type};

use crate::many::Many;
use crate::options::Options;
use crate::returned::{Returned, mentions};

pub struct Function {
    pub options: Options,
    pub item: ItemFn,
    pub arguments: Vec<Argument>,
    pub returned: Returned,
    /// It stands in an `impl`.
    pub is_method: bool,
    /// It has `&self`.
    pub has_receiver: bool,
    pub skips_receiver: bool,
    /// It is asked for many keys at once.
    pub many: Option<Many>,
}

/// An argument with a name; not `self`.
pub struct Argument {
    pub name: Ident,
    pub kind: Type,
    /// Its value is a part of the key as it is.
    pub is_part: bool,
    /// `get`, `set` and `invalidate` take it too.
    pub is_attached: bool,
}

impl Function {
    pub fn new(options: Options, item: ItemFn) -> Result<Function> {
        check_kind(&item)?;
        let mut returned = Returned::of(&item)?;
        let arguments = read_arguments(&options, &item)?;
        let many = Many::read(&options, &arguments, &mut returned)?;
        let has_receiver = item.sig.receiver().is_some();
        let skipped = options.skip.as_deref().unwrap_or_default();
        let skips_receiver = options.key.is_some() || skipped.iter().any(|name| name == "self");
        let known = |name: &Ident| {
            arguments.iter().any(|argument| argument.name == *name)
                || (has_receiver && name == "self")
        };
        if let Some(unknown) = skipped.iter().find(|name| !known(name)) {
            let what = format!("there is no argument `{unknown}` to skip; write one that there is");
            return Err(Error::new(unknown.span(), what));
        }
        let self_type = Ident::new("Self", item.sig.ident.span());
        let is_method = options.method.is_some()
            || has_receiver
            || mentions(item.sig.to_token_stream(), &self_type);
        let function = Function {
            options,
            item,
            arguments,
            returned,
            is_method,
            has_receiver,
            skips_receiver,
            many,
        };
        function.check_own_cache(&self_type)?;
        Ok(function)
    }

    /// A function's own cache is a static, which knows no type parameters.
    fn check_own_cache(&self, self_type: &Ident) -> Result<()> {
        if self.options.is_given() {
            return Ok(());
        }
        let value = &self.returned.value;
        let parameters = self.item.sig.generics.type_params().map(|parameter| &parameter.ident);
        let constants = self.item.sig.generics.const_params().map(|parameter| &parameter.ident);
        for name in parameters.chain(constants).chain([self_type]) {
            if mentions(value.to_token_stream(), name) {
                let what = format!(
                    "one cache of its own cannot keep what depends on `{name}`; say where the values \
                     are kept: `#[cached(cache = EXPRESSION)]` with a `&Cache<{}>`",
                    value.to_token_stream(),
                );
                return Err(Error::new_spanned(value, what));
            }
        }
        Ok(())
    }
}

fn check_kind(item: &ItemFn) -> Result<()> {
    let sig = &item.sig;
    if let Some(found) = &sig.asyncness {
        let what = "a cache blocks, and an `async fn` must not; put `#[cached]` on a plain `fn`, and \
                    call that in `spawn_blocking`, or ask an `AsyncCache`";
        return Err(Error::new_spanned(found, what));
    }
    if let Some(found) = &sig.constness {
        let what =
            "what is worked out by the compiler needs no cache; leave `const` or `#[cached]` out";
        return Err(Error::new_spanned(found, what));
    }
    if let Some(found) = &sig.unsafety {
        let what = "what `unsafe` asks of callers cannot be asked of a cache; put `#[cached]` on a safe \
                    function around it";
        return Err(Error::new_spanned(found, what));
    }
    if let Some(found) = &sig.abi {
        let what = "a function for another language cannot be cached; put `#[cached]` on a plain `fn` \
                    that it calls";
        return Err(Error::new_spanned(found, what));
    }
    let Some(receiver) = sig.receiver() else { return Ok(()) };
    let is_shared = receiver.reference.is_some() && receiver.mutability.is_none();
    if !is_shared || receiver.colon_token.is_some() {
        let what = "a cached method may be called again, and a hit changes nothing; write `&self`";
        return Err(Error::new_spanned(receiver, what));
    }
    Ok(())
}

fn read_arguments(options: &Options, item: &ItemFn) -> Result<Vec<Argument>> {
    let skipped = options.skip.as_deref().unwrap_or_default();
    let named = |name: &Ident| {
        [&options.cache, &options.region, &options.key]
            .into_iter()
            .flatten()
            .any(|expression| mentions(expression.to_token_stream(), name))
    };
    let typed = item.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    let read = |typed: &PatType| {
        let name = match &*typed.pat {
            Pat::Ident(PatIdent { ident, by_ref: None, subpat: None, .. }) => ident.clone(),
            other => {
                let what = "this argument needs a name to be a part of the key; write one, such as \
                            `pair: (u32, u32)`, and take it apart in the body";
                return Err(Error::new_spanned(other, what));
            }
        };
        let is_part = options.key.is_none() && !skipped.contains(&name);
        if let (Type::ImplTrait(kind), true) = (&*typed.ty, is_part) {
            let what = format!(
                "what is a part of the key needs a type with a name; write it in the place of `impl \
                 ...`, or leave the argument out of the key: `skip({name})`"
            );
            return Err(Error::new_spanned(kind, what));
        }
        let is_attached = is_part || named(&name);
        Ok(Argument { name, kind: (*typed.ty).clone(), is_part, is_attached })
    };
    typed.map(read).collect()
}

/// The function's arguments without `mut`, which is for its body.
pub fn without_mut(item: &ItemFn) -> Vec<FnArg> {
    let mut inputs: Vec<FnArg> = item.sig.inputs.iter().cloned().collect();
    for input in &mut inputs {
        if let FnArg::Typed(PatType { pat, .. }) = input
            && let Pat::Ident(PatIdent { mutability, .. }) = &mut **pat
        {
            *mutability = None::<Token![mut]>;
        }
    }
    inputs
}
