//! The functions of ESO's templates: sprig's (as ESO 2.9.0 vendors it, `runtime/template/v2/sprig`) and ESO's own,
//! as far as this engine has them. They take and give what the Go ones do, errors that those swallow included.

mod arguments;
mod convert;
mod dicts;
mod encoding;
mod lists;
mod logic;
mod names;
mod numbers;
mod pem;
mod quoting;
mod regexes;
mod strings;

use std::sync::{Arc, LazyLock};

use gotmpl::{FuncMap, Result, Value, ValueFunc};

use arguments::{Arity, check_arity};

/// A function: its name, how many arguments it takes, what it does.
type Entry = (&'static str, Arity, fn(&[Value]) -> Result<Value>);

static FUNCTIONS: LazyLock<FuncMap> = LazyLock::new(|| {
    let tables = [
        strings::TABLE,
        quoting::TABLE,
        encoding::TABLE,
        lists::TABLE,
        dicts::TABLE,
        logic::TABLE,
        numbers::TABLE,
        regexes::TABLE,
        pem::TABLE,
    ];
    tables
        .into_iter()
        .flatten()
        .map(|&(name, arity, function)| {
            let checked: ValueFunc = Arc::new(move |arguments: &[Value]| {
                check_arity(name, arity, arguments)?;
                function(arguments).map_err(|error| arguments::calling(name, error))
            });
            (name.to_owned(), checked)
        })
        .collect()
});

/// Those of the functions that a template mentions, besides Go's own.
pub(super) fn named<'n>(names: impl Iterator<Item = &'n str>) -> FuncMap {
    names
        .filter_map(|name| Some((name.to_owned(), FUNCTIONS.get(name)?.clone())))
        .collect()
}

/// Whether a template may call `name`.
pub(super) fn is_known(name: &str) -> bool {
    FUNCTIONS.contains_key(name) || names::GO.contains(&name)
}

/// Whether the real ESO has `name`, and this engine has not.
pub(super) fn is_esos(name: &str) -> bool {
    names::MISSING.contains(&name)
}
