//! What a function returns, and whether that can be kept.

use proc_macro2::TokenStream;
use syn::visit::{Visit, visit_type_reference};
use syn::{
    Error, GenericArgument, ItemFn, Lifetime, ParenthesizedGenericArguments, PathArguments, Result,
    ReturnType, Type, TypeBareFn, TypeImplTrait, TypeReference,
};

/// What is kept, and whether the function can fail.
pub struct Returned {
    pub value: Type,
    pub is_fallible: bool,
}

impl Returned {
    pub fn of(item: &ItemFn) -> Result<Returned> {
        let ReturnType::Type(_, whole) = &item.sig.output else {
            return Err(Error::new_spanned(&item.sig, NOTHING));
        };
        let returned = match result(whole)? {
            Some(value) => Returned { value: value.clone(), is_fallible: true },
            None => Returned { value: (**whole).clone(), is_fallible: false },
        };
        let is_nothing = match &returned.value {
            Type::Tuple(tuple) => tuple.elems.is_empty() && !returned.is_fallible,
            Type::Never(_) => true,
            _ => false,
        };
        if is_nothing {
            return Err(Error::new_spanned(whole, NOTHING));
        }
        let mut looked = Look::default();
        looked.visit_type(&returned.value);
        looked.problem.map_or(Ok(returned), Err)
    }
}

const NOTHING: &str = "a cached function gives the value that is kept; write what it returns: `-> V`, \
                       or `-> Result<V, E>` if it can fail";

/// The `V` of `Result<V, E>`, or of an alias of that name.
fn result(whole: &Type) -> Result<Option<&Type>> {
    let Type::Path(path) = whole else { return Ok(None) };
    let Some(last) = path.path.segments.last().filter(|last| last.ident == "Result") else {
        return Ok(None);
    };
    if let PathArguments::AngleBracketed(arguments) = &last.arguments {
        let first = arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::Type(value) => Some(value),
            _ => None,
        });
        if first.is_some() {
            return Ok(first);
        }
    }
    let what = "it is not clear what is kept; write the type of the value: `Result<V, E>`";
    Err(Error::new_spanned(whole, what))
}

/// Looks for what does not outlive the call, or has no name.
#[derive(Default)]
struct Look {
    problem: Option<Error>,
}

impl Look {
    fn found(&mut self, what: impl quote::ToTokens, problem: &str) {
        self.problem.get_or_insert_with(|| Error::new_spanned(what, problem));
    }
}

const BORROWED: &str = "a value that is kept outlives the call, and cannot borrow from it; return what \
                        owns its parts, such as `String` and `Vec<T>`, or `Arc<str>` and `Arc<T>`, \
                        whose clones cost next to nothing";

impl<'a> Visit<'a> for Look {
    fn visit_type_impl_trait(&mut self, found: &'a TypeImplTrait) {
        let what = "what is kept needs a type with a name; write it in the place of `impl ...`, or \
                    `Arc<dyn ... + Send + Sync>`";
        self.found(found, what);
    }

    fn visit_type_reference(&mut self, found: &'a TypeReference) {
        if found.lifetime.is_none() {
            self.found(found, BORROWED);
        }
        visit_type_reference(self, found);
    }

    fn visit_lifetime(&mut self, found: &'a Lifetime) {
        if found.ident != "static" {
            self.found(found, BORROWED);
        }
    }

    // What functions in it take and give is not kept.
    fn visit_type_bare_fn(&mut self, _: &'a TypeBareFn) {}

    fn visit_parenthesized_generic_arguments(&mut self, _: &'a ParenthesizedGenericArguments) {}
}

/// Does a name stand anywhere in these tokens?
pub fn mentions(tokens: TokenStream, name: &proc_macro2::Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        proc_macro2::TokenTree::Ident(ident) => ident == *name,
        proc_macro2::TokenTree::Group(group) => mentions(group.stream(), name),
        _ => false,
    })
}
