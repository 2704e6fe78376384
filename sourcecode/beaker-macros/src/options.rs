//! What stands in the brackets of `#[cached(...)]`.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, LitInt, LitStr, Result, Token, parenthesized};

use crate::time;

/// What was said, and `None` where nothing was.
#[derive(Default)]
pub struct Options {
    pub cache: Option<Expr>,
    pub region: Option<Expr>,
    pub size: Option<LitInt>,
    pub name: Option<LitStr>,
    pub key: Option<Expr>,
    pub skip: Option<Vec<Ident>>,
    /// The argument that is a slice of keys.
    pub many: Option<Ident>,
    /// Values of the region are kept as they are.
    pub objects: Option<proc_macro2::Span>,
    /// An expression of type `Duration`.
    pub ttl: Option<TokenStream>,
    pub stale_for: Option<TokenStream>,
    pub keep_if: Option<Expr>,
    /// It stands in an `impl`, also if it has no `self`.
    pub method: Option<()>,
}

const KNOWN: &str = "`cache = EXPRESSION`, `region = EXPRESSION`, `size = 1000`, `name = \"...\"`, `key = EXPRESSION`, \
                     `skip(argument, ...)`, `many = ARGUMENT`, `ttl = \"60s\"`, `stale_for = \"10s\"`, \
                     `keep_if = |value| ...`, `objects`, `method`";

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Options> {
        let mut options = Options::default();
        while !input.is_empty() {
            let option = input.call(Ident::parse_any)?;
            options.read(&option, input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        options.check()?;
        Ok(options)
    }
}

impl Options {
    fn read(&mut self, option: &Ident, input: ParseStream<'_>) -> Result<()> {
        match option.to_string().as_str() {
            "cache" => once(&mut self.cache, option, value(option, input)?),
            "region" => once(&mut self.region, option, value(option, input)?),
            "size" => once(&mut self.size, option, value(option, input)?),
            "name" => once(&mut self.name, option, value(option, input)?),
            "key" => once(&mut self.key, option, value(option, input)?),
            "keep_if" => once(&mut self.keep_if, option, value(option, input)?),
            "ttl" => {
                let time = time::duration(&value(option, input)?)?;
                once(&mut self.ttl, option, time)
            }
            "stale_for" => {
                let time = time::duration(&value(option, input)?)?;
                once(&mut self.stale_for, option, time)
            }
            "skip" => once(&mut self.skip, option, names(option, input)?),
            "many" => once(&mut self.many, option, value(option, input)?),
            "objects" => once(&mut self.objects, option, option.span()),
            "method" => once(&mut self.method, option, ()),
            other => Err(Error::new(option.span(), unknown(other))),
        }
    }

    /// The function has no cache of its own.
    pub fn is_given(&self) -> bool {
        self.cache.is_some() || self.region.is_some()
    }

    fn check(&self) -> Result<()> {
        if let (Some(_), Some(region)) = (&self.cache, &self.region) {
            let what = "values are kept in one place; leave `cache` or `region` out";
            return Err(Error::new_spanned(region, what));
        }
        if let (true, Some(size)) = (self.is_given(), &self.size) {
            let what = "`size` is for the function's own cache, and it has none with `cache` or \
                        `region`; leave one of the two out";
            return Err(Error::new(size.span(), what));
        }
        if let (Some(objects), None) = (self.objects, &self.region) {
            let what = "`objects` says how a region keeps its values; write `region = EXPRESSION` beside it, or \
                        leave it out";
            return Err(Error::new(objects, what));
        }
        if let (Some(many), Some(_)) = (&self.many, &self.key) {
            let what = "with `many`, each key is made of one of the slice and of the other arguments; leave `key` \
                        out, and `skip` what is no part of it";
            return Err(Error::new(many.span(), what));
        }
        if let (Some(_), Some(skipped)) = (&self.key, &self.skip)
            && let Some(first) = skipped.first()
        {
            let what = "`key` says everything that the key is made of; leave `skip` out";
            return Err(Error::new(first.span(), what));
        }
        Ok(())
    }
}

fn value<T: Parse>(option: &Ident, input: ParseStream<'_>) -> Result<T> {
    if !input.peek(Token![=]) {
        let what = format!("`{option}` needs a value; write one of {KNOWN}");
        return Err(Error::new(option.span(), what));
    }
    input.parse::<Token![=]>()?;
    input.parse()
}

fn names(option: &Ident, input: ParseStream<'_>) -> Result<Vec<Ident>> {
    if !input.peek(syn::token::Paren) {
        let what = "`skip` takes the names of arguments; write `skip(db)` or `skip(self, db)`";
        return Err(Error::new(option.span(), what));
    }
    let inner;
    parenthesized!(inner in input);
    let names = Punctuated::<Ident, Token![,]>::parse_terminated_with(&inner, Ident::parse_any)?;
    Ok(names.into_iter().collect())
}

fn once<T>(place: &mut Option<T>, option: &Ident, value: T) -> Result<()> {
    if place.replace(value).is_some() {
        return Err(Error::new(option.span(), format!("`{option}` is said twice; say it once")));
    }
    Ok(())
}

fn unknown(option: &str) -> String {
    let meant = match option {
        "expire" | "expires" | "time" | "timeout" | "expiration_time" => "; write `ttl = \"60s\"`",
        "max" | "max_size" | "capacity" => "; write `size = 1000`",
        "ignore" => "; write `skip(argument)`",
        "result" | "option" => "; a function that returns `Result` keeps only what is `Ok`",
        "namespace" | "prefix" => "; write `name = \"...\"`",
        _ => "",
    };
    format!("`#[cached]` has no option `{option}`{meant}; there are {KNOWN}")
}
