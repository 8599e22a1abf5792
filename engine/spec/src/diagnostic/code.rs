//! The codes of faults. `schema/codes.md` is made of them.

/// How much a fault matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The spec cannot run.
    Error,
    /// The spec runs, but probably does not do what its author means.
    Warning,
}

macro_rules! codes {
    ($( $name:ident $text:literal $severity:ident $doc:literal; )*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $( #[doc = $doc] $name, )* }

        impl Code {
            /// All codes in the order of the reference.
            pub const ALL: &'static [Code] = &[ $( Code::$name, )* ];

            /// The stable name.
            pub fn name(self) -> &'static str {
                match self { $( Code::$name => $text, )* }
            }

            /// One sentence on what it means.
            pub fn explanation(self) -> &'static str {
                match self { $( Code::$name => $doc, )* }
            }

            /// How much it matters.
            pub fn severity(self) -> Severity {
                match self { $( Code::$name => Severity::$severity, )* }
            }

            /// Whether it says that something is not there: it follows from what is left out.
            pub(crate) fn is_of_absence(self) -> bool {
                use Code::{Config, MissingKey, NoGrants, NoPageRule, NoRequest, OneOf, PageRule, StepShape, Unused, WrongShape};
                matches!(
                    self,
                    Config | MissingKey | NoGrants | NoPageRule | NoRequest | OneOf | PageRule | StepShape | Unused | WrongShape
                )
            }

            /// The code of a name.
            pub fn named(name: &str) -> Option<Code> {
                Self::ALL.iter().copied().find(|code| code.name() == name)
            }
        }
    };
}

codes! {
    Yaml "yaml" Error "The text is not YAML.";
    Tab "tab" Error "A tab stands where YAML wants spaces.";
    Unquoted "unquoted-template" Error "A template begins a value without quotes, so YAML reads it as a map.";
    DuplicateKey "duplicate-key" Error "A key stands twice in one map.";
    Tag "yaml-tag" Error "A YAML tag; the language has none.";
    Documents "several-documents" Error "A spec is one YAML document.";
    Number "number" Error "A number that JSON cannot carry exactly.";
    TooLarge "too-large" Error "The text is larger or deeper than a spec may be.";
    YamlBoolean "yaml-boolean" Warning "A word that YAML 1.1 reads as a boolean and YAML 1.2 as text.";
    UnknownKey "unknown-key" Error "A key that the language does not have at this place.";
    MissingKey "missing-key" Error "A key that must be there.";
    WrongType "wrong-type" Error "A value of the wrong type.";
    WrongValue "wrong-value" Error "A value that is not one of those allowed.";
    WrongShape "wrong-shape" Error "A structure that fits none of the forms allowed here.";
    OneOf "one-of" Error "Of several keys exactly one must be there.";
    Path "path" Error "A text that begins with `$` and is not a JSONPath that specs may use.";
    PathManyForOne "path-many-for-one" Error "A path that can yield many where one value is due.";
    PathHidesAbsence "path-hides-absence" Error "A path to an array ends in `[*]`, which makes a missing array look empty.";
    PathDescends "path-descends" Warning "A path with `..` visits every node of every page.";
    TemplateForPath "template-for-path" Warning "A template does what a plain path does better.";
    Template "template" Error "A template that cannot be compiled.";
    Expression "expression" Error "A condition that cannot be compiled.";
    UnknownName "unknown-name" Error "An expression names something that is not in scope.";
    QuotedHole "quoted-hole" Error "A template puts a value between quotes, where `quote:` is safe and a template is not.";
    UnknownType "unknown-type" Error "A reference to a resource type that the spec does not define.";
    UnknownEntitlement "unknown-entitlement" Error "A reference to a slug that the type does not define.";
    UnknownLookUp "unknown-look-up" Error "A reference to a look-up table that the spec does not define.";
    UnknownClient "unknown-client" Error "A reference to a client that the spec does not define.";
    UnknownFragment "unknown-fragment" Error "A fragment that does not exist.";
    UnknownOption "unknown-option" Error "An option that the fragment does not have, or a wrong value for it.";
    Cycle "cycle" Error "Lists that wait for each other.";
    NoPageRule "no-page-rule" Error "A list without a rule for how its pages end.";
    PageRule "page-rule" Error "A page rule that cannot work as written.";
    NoGrants "no-grants" Error "An entitlement that nothing grants.";
    NotGrantable "not-grantable" Error "A grant to a type that the entitlement is not grantable to.";
    NoTrait "no-trait" Error "A resource type with more than one trait.";
    SecretInUrl "secret-in-url" Error "A secret would become part of a URL, which ends up in logs.";
    SecretShown "secret-shown" Error "A secret would become part of what is written to the file.";
    QuerySecret "query-secret" Warning "Credentials in the query end up in logs; some vendors know nothing else.";
    PlainHttp "plain-http" Error "A URL without TLS, which is for loopback only.";
    Url "url" Error "A text that is not a URL.";
    Pattern "pattern" Error "A text that is not a regular expression.";
    Duration "duration" Error "A text that is not a duration, such as `30s` or `5m`.";
    Config "config" Error "A config field whose parts contradict each other.";
    NoRequest "no-request" Error "A source that neither asks nor has rows.";
    NotHere "not-here" Error "A construct that means nothing at this place.";
    Graphql "graphql" Error "A GraphQL query with interpolation; values go into variables.";
    NeverWrites "write-in-read" Error "A read with a method that changes things.";
    WritesByRequest "write-by-request" Error "A step that writes names its method and path with `request`; `get` and `post` read.";
    StepShape "step-shape" Error "A step does exactly one thing.";
    NotExclusive "not-exclusive" Warning "A write that sets a field replaces what the principal held; `one_of` says so.";
    UnknownKeyOfFind "unknown-find" Error "A reference to a key that the type's `find` does not have.";
    Unused "unused" Warning "A definition that nothing uses.";
    Todo "todo" Warning "A comment that begins with `TODO:`, such as `engine new` writes beside every guess.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        for code in Code::ALL {
            assert_eq!(Code::named(code.name()), Some(*code));
            assert!(code.explanation().ends_with('.'));
        }
    }
}
