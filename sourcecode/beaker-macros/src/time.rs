//! Lengths of time in the options: `60`, `"250ms"`, or an expression.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Expr, ExprLit, Lit, LitInt, LitStr, Result};

/// An expression of type `Duration`, made of what was written.
pub fn duration(written: &Expr) -> Result<TokenStream> {
    let millis = match written {
        Expr::Lit(ExprLit { lit: Lit::Int(seconds), .. }) => from_seconds(seconds)?,
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => from_text(text)?,
        Expr::Lit(other) => return Err(wrong(other)),
        other => return Ok(quote!(#other)),
    };
    if millis == 0 {
        let what = "a value that expires at once is never found; give it some time, such as \
                    `\"60s\"`, or leave `#[cached]` out";
        return Err(Error::new_spanned(written, what));
    }
    Ok(quote!(::core::time::Duration::from_millis(#millis)))
}

fn from_seconds(seconds: &LitInt) -> Result<u64> {
    let is_plain = seconds.suffix().is_empty();
    let seconds_read = seconds.base10_parse::<u64>().ok().filter(|_| is_plain);
    seconds_read.and_then(|seconds| seconds.checked_mul(1000)).ok_or_else(|| wrong(seconds))
}

fn from_text(text: &LitStr) -> Result<u64> {
    let value = text.value();
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let millis = match unit.trim() {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "d" => 24 * 60 * 60 * 1000,
        _ => return Err(wrong(text)),
    };
    let number: Option<u64> = number.parse().ok();
    number.and_then(|number| number.checked_mul(millis)).ok_or_else(|| wrong(text))
}

fn wrong(written: &impl quote::ToTokens) -> Error {
    let what = "this is no length of time; write seconds as a whole number (`60`), or a number and \
                a unit: `\"250ms\"`, `\"60s\"`, `\"5m\"`, `\"1h\"`, `\"7d\"`; or an expression of \
                type `Duration`";
    Error::new_spanned(written, what)
}
