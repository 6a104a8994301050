//! Aligns two sequences of lines, subject by subject.

use indexmap::IndexSet;
use serde::Serialize;

use crate::facts::Facts;

/// A subject that differs: `Secret notebook-validation/aws-credentials`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// What of it differs.
    pub aspects: Vec<Aspect>,
}

/// An aspect that differs: `condition Ready`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Aspect {
    /// Its name.
    pub name: String,
    /// Both sides, aligned; rows that are equal stand for orientation.
    pub rows: Vec<Row>,
}

/// A line of each side; `None` where a side has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// On the left lane.
    pub left: Option<String>,
    /// On the right lane.
    pub right: Option<String>,
}

impl Row {
    /// Whether both sides say the same.
    pub fn is_equal(&self) -> bool {
        self.left == self.right
    }
}

/// What differs, in the order of the left side's subjects; those that only the right has come last.
pub(crate) fn subjects(left: &Facts, right: &Facts) -> Vec<Subject> {
    let keys: IndexSet<&(String, String)> = left.keys().chain(right.keys()).collect();
    let mut subjects: Vec<Subject> = Vec::new();
    for key in keys {
        let lines = |side: &Facts| side.get(key).cloned().unwrap_or_default();
        let rows = align(&lines(left), &lines(right));
        if rows.iter().all(Row::is_equal) {
            continue;
        }
        let (name, aspect) = key;
        let aspect = Aspect {
            name: aspect.clone(),
            rows,
        };
        match subjects.iter_mut().find(|subject| subject.name == *name) {
            Some(subject) => subject.aspects.push(aspect),
            None => subjects.push(Subject {
                name: name.clone(),
                aspects: vec![aspect],
            }),
        }
    }
    subjects
}

/// Aligns by the longest common subsequence; what stands between two common lines is set side by side.
fn align(left: &[String], right: &[String]) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut from_left, mut from_right) = (0, 0);
    let common = common(left, right);
    let ends = std::iter::once((left.len(), right.len()));
    for (to_left, to_right) in common.into_iter().chain(ends) {
        let between_left = left.get(from_left..to_left).unwrap_or_default();
        let between_right = right.get(from_right..to_right).unwrap_or_default();
        for index in 0..between_left.len().max(between_right.len()) {
            rows.push(Row {
                left: between_left.get(index).cloned(),
                right: between_right.get(index).cloned(),
            });
        }
        if let (Some(left), Some(right)) = (left.get(to_left), right.get(to_right)) {
            rows.push(Row {
                left: Some(left.clone()),
                right: Some(right.clone()),
            });
        }
        (from_left, from_right) = (to_left + 1, to_right + 1);
    }
    rows
}

/// Lines beyond which alignment looks no further than equal beginnings and ends; the table would be too large.
const LONG: usize = 2000;

/// The places of a longest common subsequence.
fn common(left: &[String], right: &[String]) -> Vec<(usize, usize)> {
    let start = left.iter().zip(right).take_while(|(l, r)| l == r).count();
    let mut places: Vec<(usize, usize)> = (0..start).map(|index| (index, index)).collect();
    let (rest_left, rest_right) = (
        left.get(start..).unwrap_or_default(),
        right.get(start..).unwrap_or_default(),
    );
    if rest_left.len() > LONG || rest_right.len() > LONG {
        return places;
    }
    let width = rest_right.len() + 1;
    let mut lengths = vec![0_u32; (rest_left.len() + 1) * width];
    let at = |lengths: &[u32], l: usize, r: usize| lengths.get(l * width + r).copied().unwrap_or(0);
    for (l, line) in rest_left.iter().enumerate().rev() {
        for (r, other) in rest_right.iter().enumerate().rev() {
            let best = match line == other {
                true => at(&lengths, l + 1, r + 1) + 1,
                false => at(&lengths, l + 1, r).max(at(&lengths, l, r + 1)),
            };
            if let Some(cell) = lengths.get_mut(l * width + r) {
                *cell = best;
            }
        }
    }
    let (mut l, mut r) = (0, 0);
    while let (Some(line), Some(other)) = (rest_left.get(l), rest_right.get(r)) {
        if line == other {
            places.push((start + l, start + r));
            (l, r) = (l + 1, r + 1);
        } else if at(&lengths, l + 1, r) >= at(&lengths, l, r + 1) {
            l += 1;
        } else {
            r += 1;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::equal("a b", "a b", "a=a b=b")]
    #[case::one_more("a b", "a x b", "a=a -|x b=b")]
    #[case::one_less("a b c", "a c", "a=a b|- c=c")]
    #[case::another("a b c", "a x c", "a=a b|x c=c")]
    #[case::only_right("", "a", "-|a")]
    #[case::nothing_in_common("a b", "x", "a|x b|-")]
    #[case::swapped("a b", "b a", "a|- b=b -|a")]
    fn lines_are_set_side_by_side(#[case] left: &str, #[case] right: &str, #[case] rows: &str) {
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let side = |text: Option<String>| text.unwrap_or("-".into());
        let told: Vec<String> = align(&words(left), &words(right))
            .into_iter()
            .map(|row| {
                let mark = if row.is_equal() { "=" } else { "|" };
                format!("{}{mark}{}", side(row.left), side(row.right))
            })
            .collect();
        assert_eq!(told.join(" "), rows);
    }

    #[test]
    fn what_only_one_side_has_is_a_difference() {
        let mut right = Facts::new();
        right.insert(("Secret a".into(), "data".into()), vec!["x".into()]);
        let found = subjects(&Facts::new(), &right);
        assert_eq!(found.len(), 1);
        assert_eq!(subjects(&right, &right), []);
    }
}
