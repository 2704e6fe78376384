//! The book: pages in Markdown, in which listings and outputs are the very files, become HTML.
//!
//! In reading order: [`directive`] is what a page may ask for; [`excerpt`], [`highlight`] and
//! [`html`] turn a file into lines; [`listing`] with its [`notes`], [`output`], [`figure`],
//! [`glossary`] and [`fence`] are what is shown; [`page`] puts them in place, [`links`] follows the links;
//! [`follow`](mod@follow) knows which English page a translation follows; [`pages`] is all that as
//! mdBook's preprocessor. [`search`](mod@search), [`interface`] and [`slim`](mod@slim) change what mdBook
//! made of it; [`build`](mod@build) makes the editions so, [`serve`](mod@serve) shows them,
//! [`site`](mod@site) lays them out for a host, and [`epub`](mod@epub) packs each into a file.

mod build;
mod contents;
mod directive;
mod downloads;
pub mod edition;
mod epub;
mod excerpt;
mod expanded;
mod fence;
mod figure;
mod follow;
mod glossary;
mod highlight;
mod html;
mod inputs;
mod interface;
mod links;
mod listing;
mod notes;
mod output;
mod page;
mod pages;
mod plot;
mod preprocess;
mod problem;
mod run;
mod search;
mod serve;
mod site;
mod slim;
#[cfg(test)]
mod tests;
mod warnings;

pub use contents::contents;
pub use epub::epub;
pub use follow::{State, follow, translated};
pub use preprocess::preprocess;
pub use serve::serve;
pub use site::{Address, site};
