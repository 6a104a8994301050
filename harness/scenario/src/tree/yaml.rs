//! Parses YAML into the tree, within limits: one document, no surprises, no bombs.

use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span as YamlSpan};

use super::{Entry, Node, NodeValue, Reject};
use crate::Span;

/// What a document may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How deep lists and mappings may nest.
    pub(crate) depth: usize,
    /// How many nodes aliases may add.
    pub(crate) alias_nodes: usize,
    /// Whether a second document is refused.
    pub(crate) single: bool,
}

impl Limits {
    /// For scenario files.
    pub(crate) const SCENARIO: Self = Self {
        depth: 64,
        alias_nodes: 10_000,
        single: true,
    };
    /// For manifests.
    pub(crate) const MANIFEST: Self = Self {
        depth: 128,
        alias_nodes: 10_000,
        single: false,
    };
}

/// The documents of a text. Empty documents are left out.
pub(crate) fn read_tree(text: &str, limits: Limits) -> Result<Vec<Node>, Reject> {
    let mut options = Options::default();
    options.emit_comments = false;
    let mut reader = Reader {
        text,
        limits,
        anchors: HashMap::new(),
        alias_nodes: 0,
        end: 0,
    };
    let mut documents: Vec<Node> = Vec::new();
    let mut stack: Vec<Open> = Vec::new();
    let mut count = 0;
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, at) = next.map_err(|error| reader.syntax(&error))?;
        let span = reader.span(&at);
        let complete = match event {
            Event::DocumentStart(..) => {
                count += 1;
                reader.anchors.clear();
                if count > 1 && limits.single {
                    return Err(Reject::new("a scenario file holds one document")
                        .label("a second document starts here")
                        .help("put each scenario in a file of its own")
                        .or_at(span));
                }
                None
            }
            Event::Scalar(value, style, anchor, tag) => {
                let node = reader.scalar(
                    value.into_owned(),
                    style,
                    tag.is_some().then(|| at.slice(text)).flatten(),
                    span,
                )?;
                reader.remember(anchor, &node);
                Some(node)
            }
            Event::SequenceStart(_, anchor, _) => {
                stack.push(Open::new(OpenValue::List(Vec::new()), anchor, span));
                None
            }
            Event::MappingStart(_, anchor, _) => {
                stack.push(Open::new(
                    OpenValue::Map {
                        entries: Vec::new(),
                        keys: HashMap::new(),
                        open: None,
                    },
                    anchor,
                    span,
                ));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop() {
                Some(open) => {
                    let anchor = open.anchor;
                    // A block ends with its last value, a flow collection with its bracket.
                    if matches!(at.slice(text), Some("]" | "}")) {
                        reader.end = reader.end.max(span.end);
                    }
                    let node = open.close(reader.end);
                    reader.remember(anchor, &node);
                    Some(node)
                }
                None => None,
            },
            Event::Alias(anchor) => Some(reader.alias(anchor, span)?),
            _ => None,
        };
        if stack.len() > limits.depth {
            return Err(
                Reject::new(format!("nested deeper than {} levels", limits.depth))
                    .label("too deep")
                    .or_at(span),
            );
        }
        if let Some(node) = complete {
            reader.end = reader.end.max(node.span.end);
            match stack.last_mut() {
                Some(open) => open.add(node)?,
                None if node.is_null() && !limits.single => {}
                None => documents.push(node),
            }
        }
    }
    Ok(documents)
}

struct Reader<'a> {
    text: &'a str,
    limits: Limits,
    anchors: HashMap<usize, (Node, usize)>,
    alias_nodes: usize,
    end: usize,
}

impl Reader<'_> {
    fn span(&self, at: &YamlSpan) -> Span {
        let start = at
            .start
            .byte_offset()
            .unwrap_or_default()
            .min(self.text.len());
        let end = at
            .end
            .byte_offset()
            .unwrap_or(start)
            .clamp(start, self.text.len());
        Span {
            line: at.start.line(),
            column: at.start.col() + 1,
            start,
            end,
        }
    }

    fn syntax(&self, error: &ScanError) -> Reject {
        let at = *error.marker();
        let start = at.byte_offset().unwrap_or_default().min(self.text.len());
        let end = self.text[start..]
            .chars()
            .next()
            .map_or(start, |c| start + c.len_utf8());
        Reject::new(format!("not valid YAML: {}", error.kind())).or_at(Span {
            line: at.line(),
            column: at.col() + 1,
            start,
            end,
        })
    }

    fn scalar(
        &self,
        text: String,
        style: ScalarStyle,
        tagged: Option<&str>,
        span: Span,
    ) -> Result<Node, Reject> {
        if tagged.is_some() {
            return Err(Reject::new("tags are not supported")
                .label("this value has a tag")
                .help("leave the tag out; quote the value if it is a text")
                .or_at(span));
        }
        Ok(Node {
            value: NodeValue::Scalar {
                text,
                plain: style == ScalarStyle::Plain,
            },
            span,
        })
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size(node)));
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node, Reject> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(Reject::new("an alias inside what it stands for")
                .label("refers to itself")
                .or_at(span));
        };
        self.alias_nodes = self.alias_nodes.saturating_add(*size);
        if self.alias_nodes > self.limits.alias_nodes {
            return Err(Reject::new(format!(
                "aliases add more than {} values",
                self.limits.alias_nodes
            ))
            .label("this alias is one too many")
            .or_at(span));
        }
        Ok(node.clone())
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        NodeValue::Scalar { .. } => 0,
        NodeValue::List(items) => items.iter().map(size).sum(),
        NodeValue::Map(entries) => entries.iter().map(|entry| 1 + size(&entry.value)).sum(),
    }
}

/// A list or mapping whose end was not seen yet.
struct Open {
    value: OpenValue,
    anchor: usize,
    span: Span,
}

enum OpenValue {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        /// Every key so far and its line.
        keys: HashMap<String, usize>,
        /// A key whose value was not seen yet.
        open: Option<(String, Span)>,
    },
}

impl Open {
    fn new(value: OpenValue, anchor: usize, span: Span) -> Self {
        Self {
            value,
            anchor,
            span,
        }
    }

    fn add(&mut self, node: Node) -> Result<(), Reject> {
        match &mut self.value {
            OpenValue::List(items) => items.push(node),
            OpenValue::Map {
                entries,
                keys,
                open,
            } => match open.take() {
                Some((key, key_span)) => entries.push(Entry {
                    key,
                    key_span,
                    value: node,
                }),
                None => *open = Some(as_key(node, keys)?),
            },
        }
        Ok(())
    }

    fn close(self, end: usize) -> Node {
        let value = match self.value {
            OpenValue::List(items) => NodeValue::List(items),
            OpenValue::Map { entries, .. } => NodeValue::Map(entries),
        };
        let span = Span {
            end: end.max(self.span.end),
            ..self.span
        };
        Node { value, span }
    }
}

fn as_key(node: Node, keys: &mut HashMap<String, usize>) -> Result<(String, Span), Reject> {
    let NodeValue::Scalar { text, plain } = node.value else {
        return Err(Reject::new("a key must be a text")
            .label("a list or mapping cannot be a key")
            .help("a text that holds `{` or `[` must be quoted: \"${name}\"")
            .or_at(node.span));
    };
    if plain && text == "<<" {
        return Err(Reject::new("merge keys (`<<`) are not supported")
            .label("write the fields out")
            .or_at(node.span));
    }
    if let Some(first) = keys.insert(text.clone(), node.span.line) {
        return Err(Reject::new(format!("`{text}` is given twice"))
            .label("the second time")
            .help(format!("the first is in line {first}"))
            .or_at(node.span));
    }
    Ok((text, node.span))
}
