//! The public items of a library, as its source says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Item, UseTree, Visibility};

/// The shortest paths of all public types, traits, functions, constants and macros, below the file of the
/// root. Modules lead to items and are none.
pub fn items(root: &Path) -> BTreeSet<String> {
    let mut found = Vec::new();
    walk(root, root.parent().unwrap(), "", &mut found);
    let exported_above = |path: &&String| {
        let (module, name) = path.rsplit_once("::").unwrap_or(("", path));
        found.iter().any(|other| match other.rsplit_once("::").unwrap_or(("", other)) {
            ("", same) => same == name && !module.is_empty(),
            (above, same) => same == name && module.starts_with(&format!("{above}::")),
        })
    };
    found.iter().filter(|path| !exported_above(path)).cloned().collect()
}

fn walk(file: &Path, folder: &Path, prefix: &str, found: &mut Vec<String>) {
    let text = fs::read_to_string(file).unwrap_or_else(|_| panic!("no {}", file.display()));
    for item in syn::parse_file(&text).unwrap().items {
        let mut names = Vec::new();
        if hidden(&item) {
            continue;
        }
        let visibility = match &item {
            Item::Mod(module) if matches!(module.vis, Visibility::Public(_)) => {
                let name = module.ident.to_string();
                assert!(module.content.is_none(), "{}: `{name}` is inside", file.display());
                let (file, inner) = source(folder, &name);
                walk(&file, &inner, &format!("{prefix}{name}::"), found);
                continue;
            }
            Item::Use(again) => {
                leaves(&again.tree, &mut names);
                &again.vis
            }
            Item::Struct(item) => name(&item.ident, &mut names, &item.vis),
            Item::Enum(item) => name(&item.ident, &mut names, &item.vis),
            Item::Trait(item) => name(&item.ident, &mut names, &item.vis),
            Item::Type(item) => name(&item.ident, &mut names, &item.vis),
            Item::Const(item) => name(&item.ident, &mut names, &item.vis),
            Item::Static(item) => name(&item.ident, &mut names, &item.vis),
            Item::Fn(item) => name(&item.sig.ident, &mut names, &item.vis),
            _ => continue,
        };
        if matches!(visibility, Visibility::Public(_)) {
            found.extend(names.iter().map(|name| format!("{prefix}{name}")));
        }
    }
}

fn name<'a>(
    ident: &syn::Ident,
    names: &mut Vec<String>,
    visibility: &'a Visibility,
) -> &'a Visibility {
    names.push(ident.to_string());
    visibility
}

/// Where a module is, and where its own modules are.
fn source(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (file, inner) = (folder.join(format!("{name}.rs")), folder.join(name));
    if file.is_file() { (file, inner) } else { (inner.join("mod.rs"), inner) }
}

/// Whether `#[doc(hidden)]` is said of a module: what it holds is for macros.
fn hidden(item: &Item) -> bool {
    let Item::Mod(module) = item else { return false };
    module.attrs.iter().any(|attribute| {
        let hidden = |list: &syn::MetaList| list.tokens.to_string() == "hidden";
        attribute.meta.require_list().is_ok_and(hidden)
    })
}

/// The names that a `use` brings.
fn leaves(tree: &UseTree, names: &mut Vec<String>) {
    match tree {
        UseTree::Path(path) => leaves(&path.tree, names),
        UseTree::Name(name) => names.push(name.ident.to_string()),
        UseTree::Rename(rename) => names.push(rename.rename.to_string()),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, names)),
        UseTree::Glob(_) => panic!("`pub use …::*` hides what is public"),
    }
}
