//! Parts that all that is generated is made of.

use proc_macro2::{Ident, Span};
use syn::{Attribute, ItemFn};

/// A name that no argument can have.
pub fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// Whether it is there at all is for all that belongs to it.
pub fn conditions(item: &ItemFn) -> Vec<&Attribute> {
    let is_condition = |attribute: &&Attribute| attribute.path().is_ident("cfg");
    item.attrs.iter().filter(is_condition).collect()
}
