//! Requests, compiled.

use crate::expression::Expression;
use crate::template::Template;

use super::{Site, Value};

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Number of the client that sends it.
    pub client: usize,
    /// The method, upper case.
    pub method: String,
    /// The path below the client's `base_url`, to be rendered by [`Template::path`]; begins with `/`.
    pub path: Template,
    /// Query parameters.
    pub query: Vec<Parameter>,
    /// Headers beside the client's: name in lower case, value.
    pub headers: Vec<(String, Value)>,
    /// The body.
    pub body: Option<Body>,
    /// Where it stands.
    pub site: Site,
}

/// A query or form parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its values; a value that is a list repeats the parameter.
    pub values: Vec<Value>,
    /// Whether it is left out where a value is absent.
    pub optional: bool,
}

/// A body.
#[derive(Clone, Debug)]
pub enum Body {
    /// JSON: a structure whose leaves are values.
    Json(Node),
    /// A form.
    Form(Vec<Parameter>),
}

/// A piece of a JSON body.
#[derive(Clone, Debug)]
pub enum Node {
    /// An object.
    Object(Vec<(String, Node)>),
    /// A list.
    List(Vec<Node>),
    /// A value.
    Leaf(Value),
    /// A value that is left out where it is absent; what it empties vanishes with it.
    Optional(Value),
    /// A piece that is left out where the condition does not hold.
    When(Box<Branch>),
    /// A list with a piece for each element of another, which is `row` in it.
    Each(Box<Each>),
    /// A constant.
    Constant(engine_json::Value),
}

/// A piece of a JSON body that has a condition.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Where it stands.
    pub site: Site,
    /// The condition.
    pub when: Expression,
    /// The piece.
    pub then: Node,
}

/// A list with a piece for each element of another.
#[derive(Clone, Debug)]
pub struct Each {
    /// The other list.
    pub list: Value,
    /// The piece.
    pub then: Node,
}
