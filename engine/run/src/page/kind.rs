//! The ways to go on, one function each: tokens and URLs read from an answer, numbers advanced by
//! what came, keys of the last row.

use std::borrow::Cow;

use engine_json::Value as Json;
use engine_spec::plan::{Missed, Next, PageKind, Value};
use engine_spec::scope::Scope;
use url::Url;

use super::{PageError, Pager, Position, fingerprint};
use crate::http::Answer;

/// What stands where the next token should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// Nothing.
    Absent,
    /// Null.
    Null,
    /// An empty text.
    Blank,
    /// A token.
    Some(String),
}

impl Pager<'_> {
    /// The token for the next page, where pages go on by token or URL.
    pub(super) fn token(&self, answer: &Answer) -> Result<Option<Token>, PageError> {
        let (next, part) = match &self.rules.kind {
            PageKind::Cursor { next, part, .. } => (next, part.as_deref()),
            PageKind::NextUrl { next } => (next, None),
            _ => return Ok(None),
        };
        let token = match next {
            Next::Path(path, tracked) => {
                match path.one(answer.whole()).inspect(|_| self.witness.path_found(*tracked)) {
                    None => {
                        let (site, node) = (&self.rules.site, answer.whole());
                        self.witness.path_missed(&Missed { tracked: Some(*tracked), path, site, node });
                        Token::Absent
                    }
                    Some(Json::Null) => Token::Null,
                    // `false` and `0` are how some vendors write "no more".
                    Some(Json::Bool(false)) => Token::Null,
                    Some(Json::String(text)) if text.trim().is_empty() => Token::Blank,
                    Some(Json::String(text)) => Token::Some(text.to_string()),
                    Some(Json::Number(number)) => Token::Some(number.to_string()),
                    Some(_) => {
                        return Err(PageError {
                            reason: format!("`{}` is neither a text nor a number", path.text()),
                            hint: "look at `next`".to_owned(),
                        });
                    }
                }
            }
            Next::Header(name) => match answer.headers().get(name) {
                None => Token::Absent,
                Some(text) if text.trim().is_empty() => Token::Blank,
                Some(text) => Token::Some(text.trim().to_owned()),
            },
            Next::Link { relation, attributes } => answer.link(relation, attributes).map_or(Token::Absent, Token::Some),
        };
        match (token, part) {
            (Token::Some(text), Some(part)) => cut(&text, part, answer.url()).map(Some),
            (token, _) => Ok(Some(token)),
        }
    }

    /// Moves a position to the next page.
    pub(super) fn move_on(
        &mut self,
        next: &mut Position,
        count: u64,
        token: Option<Token>,
        rows: &[&Json],
        restart: bool,
        scope: &Scope<'_>,
    ) -> Result<(), PageError> {
        match &self.rules.kind {
            PageKind::Cursor { .. } | PageKind::NextUrl { .. } => {
                if restart {
                    next.cursor = None;
                    next.url = None;
                    self.tokens.clear();
                    return Ok(());
                }
                let text = match token {
                    Some(Token::Some(text)) => text,
                    Some(other) => return Err(unexpected_end(&other)),
                    None => return Ok(()),
                };
                if !self.tokens.insert(fingerprint(&text)) {
                    return Err(PageError {
                        reason: "the vendor sent a token for the next page that it had sent before: the list would never end".to_owned(),
                        hint: "check where `next` is read, and where `send` puts it".to_owned(),
                    });
                }
                match self.rules.kind {
                    PageKind::NextUrl { .. } => next.url = Some(text),
                    _ => next.cursor = Some(text),
                }
            }
            PageKind::Offset { start, .. } | PageKind::StartIndex { start, .. } => {
                next.number = if restart { *start } else { next.number + count };
                if !restart && count == 0 {
                    return Err(stuck("a page without rows came, and `last` does not say that this ends the list"));
                }
            }
            PageKind::Page { start, .. } => next.number = if restart { *start } else { next.number + 1 },
            PageKind::Keyset { key, .. } => self.keyset(next, key, rows, scope)?,
        }
        Ok(())
    }

    fn keyset(&self, next: &mut Position, key: &Value, rows: &[&Json], scope: &Scope<'_>) -> Result<(), PageError> {
        let Some(row) = rows.last() else {
            return Err(stuck("a page without rows came, and `last` does not say that this ends the list"));
        };
        let found = key
            .yields(&scope.with_node("row", row), self.witness)
            .map_err(|fault| PageError { reason: fault.reason, hint: format!("look at `key` at {}", fault.site) })?
            .map(Cow::into_owned);
        if found.is_none() || found == next.last {
            return Err(stuck("the key of the last row does not move, so the next page would be this one again"));
        }
        next.last = found;
        Ok(())
    }
}

fn stuck(reason: &str) -> PageError {
    PageError {
        reason: reason.to_owned(),
        hint: "look at `last`; `empty_page` is what most such lists end with".to_owned(),
    }
}

fn unexpected_end(token: &Token) -> PageError {
    let (what, word) = match token {
        Token::Null => ("is null", "next_null"),
        Token::Blank => ("is an empty text", "next_blank"),
        _ => ("is not in the answer", "next_absent"),
    };
    PageError {
        reason: format!("what leads to the next page {what}, and `last` does not say that this ends the list"),
        hint: format!("add `{word}` to `last` if it does; otherwise mend `next`"),
    }
}

/// The query parameter of a URL.
fn cut(text: &str, part: &str, base: &Url) -> Result<Token, PageError> {
    let wrong = |reason: String| PageError { reason, hint: "look at `next` and `part`".to_owned() };
    let url = base.join(text).map_err(|error| wrong(format!("what leads to the next page is not a URL: {error}")))?;
    match url.query_pairs().find(|(name, _)| name == part) {
        Some((_, value)) if value.is_empty() => Ok(Token::Blank),
        Some((_, value)) => Ok(Token::Some(value.into_owned())),
        None => Err(wrong(format!("the URL of the next page has no parameter `{part}`"))),
    }
}
