//! A page sets which of its parts are cached.

use std::sync::atomic::{AtomicU32, Ordering};

use beaker::Cache;
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, State};

const PAGE: &str = "{% call cached('news') %}News {{ count() }}{% endcall %}
{% call cached('draft', on=false) %}Draft {{ count() }}{% endcall %}";

/// Is the part cached? It is, unless the page passes `on=false`.
fn is_on(options: &Kwargs) -> Result<bool, Error> {
    todo!("what {options:?} say, which may be nothing")
}

fn main() -> Result<(), Error> {
    let (cache, number) = (Cache::in_memory(1000), AtomicU32::new(1));
    let cached = move |state: &mut State, name: String, options: Kwargs| {
        let (body, on): (Value, _) = (options.get("caller")?, is_on(&options)?);
        options.assert_all_used()?;
        let mut make = || body.call(state, &[]).expect("the template is right");
        Ok(if on { cache.get_or_create(name, make).unwrap() } else { make() })
    };
    let mut page = Environment::new();
    page.add_function("count", move || number.fetch_add(1, Ordering::Relaxed));
    page.add_function("cached", cached);
    println!("{}\n{}", page.render_str(PAGE, ())?, page.render_str(PAGE, ())?);
    Ok(())
}
