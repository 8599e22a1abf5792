//! What leads from a page to the next: the token or URL in an answer, and the place where the next
//! request carries it.

use engine_json::{Value as Json, json};
use engine_spec::plan::{Next, PageKind, PageRules, Send};
use url::Url;

use super::spots::{Spot, answer};
use super::{asked_for, last_mut};
use crate::case::{AnswerSpec, Case, Exchange, SERVER, Scalar, Texts, Times};

/// What stands for the server where URLs are taken apart.
const HOST: &str = "http://server.invalid";
/// The token that leads to a page that is put in.
pub(super) const TOKEN: &str = "generated-page";

/// Where an answer says what leads to the next page.
pub(super) enum Lead<'p> {
    /// A token.
    Token(&'p Next, Option<&'p Send>),
    /// A URL.
    Url(&'p Next),
}

/// A page that is put in, and what leads to it.
#[derive(Clone)]
pub(super) struct Opened {
    /// The page.
    pub exchange: Exchange,
    /// The token or URL.
    pub lead: String,
}

impl<'p> Lead<'p> {
    /// What leads on by a rule, where it can be written.
    pub fn of(kind: &'p PageKind) -> Option<Self> {
        let is_writable = |next: &Next| match next {
            Next::Path(path, _) => path.is_plain(),
            Next::Header(_) => true,
            Next::Link { attributes, .. } => attributes.is_empty(),
        };
        match kind {
            // A token that is cut out of a URL, or comes by a link, needs a URL around it.
            PageKind::Cursor { next, part: None, send, .. }
                if is_writable(next) && !matches!(next, Next::Link { .. }) =>
            {
                Some(Self::Token(next, send.as_ref()))
            }
            PageKind::NextUrl { next } if is_writable(next) => Some(Self::Url(next)),
            _ => None,
        }
    }

    fn next(&self) -> &'p Next {
        match self {
            Self::Token(next, _) | Self::Url(next) => next,
        }
    }

    /// What leads to the next page; nothing at the end of the list.
    pub fn read(&self, exchange: &Exchange) -> Option<String> {
        let answer = answer(exchange)?;
        let header = |name: &str| {
            let found = answer.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.text())
        };
        let text = match self.next() {
            Next::Path(path, _) => match path.one(answer.json.as_ref()?)? {
                Json::String(text) => text.to_string(),
                Json::Number(number) => number.to_string(),
                _ => return None,
            },
            Next::Header(name) => header(name)?,
            Next::Link { relation, .. } => {
                let links = header("link")?;
                let own = links.split(',').find(|link| {
                    link.contains(&format!("rel=\"{relation}\"")) || link.contains(&format!("rel={relation}"))
                })?;
                own.split_once('<')?.1.split_once('>')?.0.to_owned()
            }
        };
        Some(text).filter(|text| !text.trim().is_empty())
    }

    /// A token that leads nowhere in a case: [`TOKEN`], with a number where that has been put in before.
    pub fn unused(&self, case: &Case) -> String {
        let leads: Vec<String> = case.exchanges.iter().filter_map(|exchange| self.read(exchange)).collect();
        let numbered = (2..).map(|number| format!("{TOKEN}-{number}"));
        let mut tokens = std::iter::once(TOKEN.to_owned()).chain(numbered);
        tokens.find(|token| !leads.iter().any(|lead| lead.contains(token.as_str()))).unwrap_or_default()
    }

    /// Says what leads to the next page.
    pub fn write(&self, exchange: &mut Exchange, lead: Option<&str>) {
        let Some(lead) = lead else { return };
        let set = |answer: &mut AnswerSpec, name: &str, value: String| {
            answer.headers.retain(|known, _| !known.eq_ignore_ascii_case(name));
            answer.headers.insert(name.to_owned(), Scalar::Text(value));
        };
        match (self.next(), last_mut(exchange)) {
            (Next::Path(path, _), Some(answer)) => {
                if let Some(body) = &mut answer.json {
                    path.put(body, Json::from(lead));
                }
            }
            (Next::Header(name), Some(answer)) => set(answer, name, lead.to_owned()),
            (Next::Link { relation, .. }, Some(answer)) => set(answer, "link", format!("<{lead}>; rel=\"{relation}\"")),
            _ => {}
        }
    }

    /// A page to be put in after another, which has the other's answer. It is asked for as the page is
    /// that follows, or as the other itself with a token.
    pub fn open(
        &self,
        case: &Case,
        number: usize,
        follower: Option<usize>,
        rules: &PageRules,
        token: &str,
    ) -> Option<Opened> {
        let own = case.exchanges.get(number)?;
        let mut opened = match follower {
            Some(next) => case.exchanges.get(next)?.clone(),
            None if rules.next_request.is_some() => return None,
            None => own.clone(),
        };
        opened.answer = answer(own).cloned();
        opened.answers.clear();
        opened.times = Some(Times::any());
        match self {
            Self::Token(_, send) => {
                let known = self.read(own).filter(|_| follower.is_some());
                let is_put = known.is_some_and(|known| send_instead(&mut opened, *send, &known, token));
                if !is_put {
                    carry(&mut opened, (*send)?, token);
                }
                Some(Opened { exchange: opened, lead: token.to_owned() })
            }
            Self::Url(_) => {
                opened.query.insert(token.to_owned(), Texts::text("1"));
                let mut url = Url::parse(&format!("{HOST}{}", opened.line().1)).ok()?;
                for (name, texts) in &opened.query {
                    for value in texts.list() {
                        url.query_pairs_mut().append_pair(name, &value);
                    }
                }
                let lead = url.as_str().replacen(HOST, SERVER, 1);
                Some(Opened { exchange: opened, lead })
            }
        }
    }
}

/// The exchange that a token or URL of another leads to.
pub(super) fn follower(
    case: &Case,
    spots: &[Spot<'_>],
    from: &Spot<'_>,
    lead: &Lead<'_>,
    token: &str,
) -> Option<usize> {
    let source = from.list()?.source;
    let own = spots
        .iter()
        .filter(|spot| spot.number != from.number && spot.list().is_some_and(|list| std::ptr::eq(list.source, source)));
    let exchanges = own.filter_map(|spot| Some((spot.number, case.exchanges.get(spot.number)?)));
    match lead {
        Lead::Token(_, send) => {
            let mut found = exchanges.filter(|(_, exchange)| {
                let mut copy = (*exchange).clone();
                send_instead(&mut copy, *send, token, TOKEN)
            });
            found.next().map(|(number, _)| number)
        }
        Lead::Url(_) => {
            let current = case.exchanges.get(from.number)?;
            let base = Url::parse(&format!("{HOST}{}", current.line().1)).ok()?;
            let url = base.join(&token.replace(SERVER, HOST)).ok()?;
            let mut wanted: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            wanted.sort();
            let mut found = exchanges.filter(|(_, exchange)| {
                let pairs = exchange.query.iter();
                let mut query: Vec<(String, String)> = pairs
                    .flat_map(|(name, texts)| texts.list().into_iter().map(move |value| (name.clone(), value)))
                    .collect();
                query.sort();
                exchange.line().1 == url.path() && query == wanted
            });
            found.next().map(|(number, _)| number)
        }
    }
}

/// Sends another token in the place of one; whether it was there. Elsewhere the same text, such as the
/// size of a page, is something else.
fn send_instead(exchange: &mut Exchange, send: Option<&Send>, token: &str, new: &str) -> bool {
    let Some(send) = send else { return replace(exchange, token, new) };
    let is_there = carried(exchange, send).as_deref() == Some(token);
    if is_there {
        carry(exchange, send, new);
    }
    is_there
}

/// Puts another token wherever a request sends one; whether it was there.
fn replace(exchange: &mut Exchange, token: &str, new: &str) -> bool {
    let mut is_there = false;
    let fields = exchange.query.values_mut().chain(exchange.form.iter_mut().flat_map(|form| form.values_mut()));
    for texts in fields {
        if texts.list() == [token] {
            *texts = Texts::text(new);
            is_there = true;
        }
    }
    for value in exchange.headers.values_mut().filter(|value| *value == token) {
        new.clone_into(value);
        is_there = true;
    }
    if let Some(json) = &mut exchange.json {
        is_there |= replace_in(json, token, new);
    }
    is_there
}

fn replace_in(json: &mut Json, token: &str, new: &str) -> bool {
    match json {
        Json::String(text) if text == token => {
            *json = Json::from(new);
            true
        }
        Json::Array(items) => {
            items.iter_mut().filter_map(|item| replace_in(item, token, new).then_some(())).count() > 0
        }
        Json::Object(members) => {
            members.values_mut().filter_map(|member| replace_in(member, token, new).then_some(())).count() > 0
        }
        _ => false,
    }
}

/// What a request sends in a place.
pub(super) fn carried(exchange: &Exchange, send: &Send) -> Option<String> {
    let one = |texts: &Texts| texts.list().into_iter().next();
    match send {
        Send::Query(name) => exchange.query.get(name).and_then(one),
        Send::Form(name) => exchange.form.as_ref()?.get(name).and_then(one),
        Send::Header(name) => exchange.headers.get(name).cloned(),
        Send::Json(pointer) => {
            let found = exchange.json.as_ref()?.pointer(pointer)?;
            Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
        }
    }
}

/// Sends something in a place. A number stays one.
pub(super) fn carry(exchange: &mut Exchange, send: &Send, text: &str) {
    match send {
        Send::Query(name) => {
            exchange.query.insert(name.clone(), Texts::text(text));
        }
        Send::Form(name) => {
            exchange.form.get_or_insert_default().insert(name.clone(), Texts::text(text));
        }
        Send::Header(name) => {
            exchange.headers.insert(name.clone(), text.to_owned());
        }
        Send::Json(pointer) => {
            let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
            let json = exchange.json.get_or_insert_with(|| json!({}));
            let place = if parent.is_empty() { Some(json) } else { json.pointer_mut(parent) };
            if let Some(members) = place.and_then(Json::as_object_mut) {
                let is_number = members.get(name).is_some_and(Json::is_number);
                let value = text.parse::<u64>().ok().filter(|_| is_number).map_or_else(|| Json::from(text), Json::from);
                members.insert(name.to_owned(), value);
            }
        }
    }
}

/// Whether two requests differ in their page number alone.
pub(super) fn asks_alike(one: &Exchange, other: &Exchange, send: &Send) -> bool {
    let asked = |exchange: &Exchange| {
        let mut copy = exchange.clone();
        carry(&mut copy, send, "0");
        asked_for(&copy)
    };
    asked(one) == asked(other)
}
