//! Lists.

use gotmpl::{Result, Value};

use super::Entry;
use super::arguments::{at_least, exactly, fail, items, list, strings};
use super::logic::is_empty;
use super::numbers::to_whole;
use super::strings::texts;

pub(super) const TABLE: &[Entry] = &[
    ("list", at_least(0), |a| items(a.iter().cloned())),
    ("tuple", at_least(0), |a| items(a.iter().cloned())),
    ("first", exactly(1), first),
    ("mustFirst", exactly(1), first),
    ("last", exactly(1), last),
    ("mustLast", exactly(1), last),
    ("rest", exactly(1), rest),
    ("mustRest", exactly(1), rest),
    ("initial", exactly(1), initial),
    ("mustInitial", exactly(1), initial),
    ("append", exactly(2), append),
    ("mustAppend", exactly(2), append),
    ("push", exactly(2), append),
    ("mustPush", exactly(2), append),
    ("prepend", exactly(2), prepend),
    ("mustPrepend", exactly(2), prepend),
    ("reverse", exactly(1), |a| {
        items(list(a, 0)?.iter().rev().cloned())
    }),
    ("mustReverse", exactly(1), |a| {
        items(list(a, 0)?.iter().rev().cloned())
    }),
    ("uniq", exactly(1), uniq),
    ("mustUniq", exactly(1), uniq),
    ("compact", exactly(1), compact),
    ("mustCompact", exactly(1), compact),
    ("without", at_least(1), without),
    ("mustWithout", at_least(1), without),
    ("has", exactly(2), has),
    ("mustHas", exactly(2), has),
    ("slice", at_least(1), slice),
    ("mustSlice", at_least(1), slice),
    ("concat", at_least(0), concat),
    ("chunk", exactly(2), chunk),
    ("mustChunk", exactly(2), chunk),
    ("sortAlpha", exactly(1), |a| {
        let mut sorted = texts(a, 0);
        sorted.sort();
        strings(sorted)
    }),
    ("all", at_least(0), |a| {
        Ok(Value::Bool(!a.iter().any(is_empty)))
    }),
    ("any", at_least(0), |a| {
        Ok(Value::Bool(!a.iter().all(is_empty)))
    }),
];

fn first(arguments: &[Value]) -> Result<Value> {
    Ok(list(arguments, 0)?.first().cloned().unwrap_or(Value::Nil))
}

fn last(arguments: &[Value]) -> Result<Value> {
    Ok(list(arguments, 0)?.last().cloned().unwrap_or(Value::Nil))
}

fn rest(arguments: &[Value]) -> Result<Value> {
    items(list(arguments, 0)?.iter().skip(1).cloned())
}

fn initial(arguments: &[Value]) -> Result<Value> {
    let list = list(arguments, 0)?;
    items(list.iter().take(list.len().saturating_sub(1)).cloned())
}

fn append(arguments: &[Value]) -> Result<Value> {
    items(list(arguments, 0)?.iter().chain(arguments.get(1)).cloned())
}

fn prepend(arguments: &[Value]) -> Result<Value> {
    items(
        arguments
            .get(1)
            .into_iter()
            .chain(list(arguments, 0)?)
            .cloned(),
    )
}

fn uniq(arguments: &[Value]) -> Result<Value> {
    let mut seen: Vec<Value> = Vec::new();
    for item in list(arguments, 0)? {
        if !seen.contains(item) {
            seen.push(item.clone());
        }
    }
    items(seen)
}

fn compact(arguments: &[Value]) -> Result<Value> {
    items(
        list(arguments, 0)?
            .iter()
            .filter(|item| !is_empty(item))
            .cloned(),
    )
}

fn without(arguments: &[Value]) -> Result<Value> {
    let unwanted = arguments.get(1..).unwrap_or_default();
    items(
        list(arguments, 0)?
            .iter()
            .filter(|item| !unwanted.contains(item))
            .cloned(),
    )
}

fn has(arguments: &[Value]) -> Result<Value> {
    if matches!(arguments.get(1), Some(Value::Nil)) {
        return Ok(Value::Bool(false));
    }
    let found = arguments
        .first()
        .is_some_and(|needle| list(arguments, 1).is_ok_and(|list| list.contains(needle)));
    list(arguments, 1).map(|_| Value::Bool(found))
}

fn slice(arguments: &[Value]) -> Result<Value> {
    let list = list(arguments, 0)?;
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let bound = |at: usize, otherwise: usize| match arguments.get(at) {
        Some(value) => usize::try_from(to_whole(value)).unwrap_or(usize::MAX),
        None => otherwise,
    };
    match list.get(bound(1, 0)..bound(2, list.len())) {
        Some(part) => items(part.iter().cloned()),
        None => fail("reflect.Value.Slice: slice index out of bounds"),
    }
}

fn concat(arguments: &[Value]) -> Result<Value> {
    let mut all = Vec::new();
    for at in 0..arguments.len() {
        all.extend_from_slice(list(arguments, at)?);
    }
    items(all)
}

fn chunk(arguments: &[Value]) -> Result<Value> {
    let size = arguments.first().map_or(0, to_whole);
    match usize::try_from(size) {
        Ok(size) if size > 0 => items(
            list(arguments, 1)?
                .chunks(size)
                .map(|part| Value::List(part.to_vec().into())),
        ),
        _ => fail("the size of a chunk must be positive"),
    }
}
