//! Two texts side by side, each wrapped to its column.

/// What stands outside both columns: the indent and mark before, the bar between.
const FRAME: usize = 6 + 3;
/// Narrower columns break nearly every word.
const NARROWEST: usize = 24;

/// Two columns of one width, in characters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    width: usize,
}

impl Columns {
    /// Columns that fill a line.
    pub(crate) fn of_width(line: usize) -> Self {
        Self {
            width: (line.saturating_sub(FRAME) / 2).max(NARROWEST),
        }
    }

    /// Both texts as lines; the left ones are padded to the column's width.
    pub(crate) fn beside(self, left: &str, right: &str) -> Vec<(String, String)> {
        let (left, right) = (self.wrap(left), self.wrap(right));
        let line = |all: &[String], index: usize| all.get(index).cloned().unwrap_or_default();
        (0..left.len().max(right.len()))
            .map(|index| {
                let left = line(&left, index);
                let padding = self.width.saturating_sub(left.chars().count());
                (left + &" ".repeat(padding), line(&right, index))
            })
            .collect()
    }

    /// At spaces, or within a word that is longer than the column. A text's own line ends are shown as `\n`.
    fn wrap(self, text: &str) -> Vec<String> {
        let text = text.replace('\n', "\\n");
        // A leading indent is part of the text.
        let mut lines = vec![String::new()];
        let mut used = 0;
        for word in text.split_inclusive(' ') {
            let length = word.trim_end().chars().count();
            if used > 0 && used + length > self.width {
                lines.push("  ".to_owned());
                used = 2;
            }
            for letter in word.chars() {
                if used >= self.width && letter != ' ' {
                    lines.push("  ".to_owned());
                    used = 2;
                }
                if let Some(last) = lines.last_mut() {
                    last.push(letter);
                    used += 1;
                }
            }
        }
        for line in &mut lines {
            let kept = line.trim_end().len();
            line.truncate(kept);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_stays_in_its_column() {
        let columns = Columns::of_width(60);
        let long = "could not get secret data from provider: ".repeat(3) + &"x".repeat(60);
        let lines = columns.beside(&long, "short");
        assert!(lines.len() > 4);
        for (left, right) in &lines {
            assert_eq!(left.chars().count(), columns.width, "{left}");
            assert!(right.chars().count() <= columns.width);
        }
        let words = |text: &str| text.split_whitespace().collect::<String>();
        let shown: String = lines.iter().map(|(left, _)| left.as_str()).collect();
        assert_eq!(words(&shown), words(&long), "nothing is lost");
    }

    #[test]
    fn a_line_end_is_shown_and_does_not_break_the_columns() {
        let lines = Columns::of_width(80).beside("a\nb", "c");
        assert_eq!(lines.len(), 1);
        assert!(lines[0].0.starts_with("a\\nb"));
    }
}
