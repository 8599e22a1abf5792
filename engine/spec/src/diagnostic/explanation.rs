//! What a code means, with a spec that has the fault and one that has not. The texts are in
//! `explanations.txt`: a section for each code, and in it the parts of two specs.

use std::fmt::Write;

use super::Code;

/// A section for each code: `## CODE`, what it means, `--- wrong PLACE` and `--- right PLACE`.
const TEXT: &str = include_str!("explanations.txt");

/// What a code means.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// What is wrong, and why it is.
    pub meaning: &'static str,
    /// A part of a spec with the fault.
    pub wrong: Example,
    /// The same without it.
    pub right: Example,
}

/// A part of a spec.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// Where it stands: keys of the `spec`, of a resource `type` or of its `list`.
    pub place: &'static str,
    /// The lines.
    pub text: &'static str,
}

impl Code {
    /// What it means, with examples.
    pub fn explained(self) -> Option<Explanation> {
        let heading = format!("## {}\n", self.name());
        let start = match TEXT.starts_with(&heading) {
            true => heading.len(),
            false => TEXT.find(&format!("\n{heading}"))? + 1 + heading.len(),
        };
        let section = TEXT.get(start..)?;
        let section = section.split("\n## ").next()?;
        let (meaning, examples) = section.split_once("\n--- wrong ")?;
        let (wrong, right) = examples.split_once("\n--- right ")?;
        let example = |part: &'static str| {
            let (place, text) = part.split_once('\n')?;
            Some(Example { place, text: text.trim_end_matches('\n') })
        };
        Some(Explanation { meaning, wrong: example(wrong)?, right: example(right)? })
    }
}

impl Example {
    /// Where it stands, in words.
    pub fn place_in_words(&self) -> &'static str {
        match self.place {
            "type" => "in a resource type",
            "list" => "in a list",
            _ => "at the top",
        }
    }

    /// A whole spec with this part in it.
    pub fn spec(&self) -> String {
        let mut spec = String::from("format: 1\nid: acme\nname: Acme\n");
        let has = |key: &str| self.text.lines().any(|line| line.starts_with(&format!("{key}:")));
        let of_spec = self.place == "spec";
        let of_type = self.place == "type";
        if !(of_spec && (has("http") || has("clients"))) {
            spec.push_str("http: { base_url: \"https://acme.example\" }\n");
        }
        let indent = match self.place {
            "type" => "    ",
            "list" => "      ",
            _ => "",
        };
        if of_spec {
            let _ = writeln!(spec, "{}", self.text);
            if has("resources") || has("use") {
                return spec;
            }
        }
        // What comes after a second document would be part of it.
        let resources = spec.find("\n---").map_or(spec.len(), |at| at + 1);
        let mut types = String::from("resources:\n  user:\n");
        if self.place == "list" {
            types.push_str("    list:\n");
        }
        if !of_spec {
            for line in self.text.lines() {
                let _ = writeln!(types, "{indent}{line}");
            }
        }
        let keys =
            [("list", "{ get: /users, items: $.users, pages: none }"), ("id", "$.id"), ("display_name", "$.name")];
        for (key, value) in keys {
            if !(of_type && has(key) || self.place == "list" && key == "list") {
                let _ = writeln!(types, "    {key}: {value}");
            }
        }
        spec.insert_str(resources, &types);
        spec
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::compile;
    use crate::diagnostic::Diagnostics;
    use crate::render;
    use crate::resolve::Fragments;

    struct Scim;

    impl Fragments for Scim {
        fn find(&self, name: &str) -> Option<(String, String)> {
            let text = include_str!("../../../../specs/fragments/scim2.yaml");
            (name == "scim2").then(|| ("scim2.yaml".to_owned(), text.to_owned()))
        }

        fn names(&self) -> Vec<String> {
            vec!["scim2".to_owned()]
        }
    }

    #[test]
    fn the_wrong_example_of_each_code_has_that_fault_alone_and_the_right_one_none() {
        let mut failed = String::new();
        for code in Code::ALL {
            let Some(explanation) = code.explained() else {
                failed.push_str(&format!("{} has no explanation\n", code.name()));
                continue;
            };
            for (example, wanted) in [(explanation.wrong, vec![*code]), (explanation.right, Vec::new())] {
                let mut diagnostics = Diagnostics::default();
                compile(code.name(), &example.spec(), &Scim, &mut diagnostics);
                let mut found: Vec<Code> = diagnostics.sorted().iter().map(|known| known.code).collect();
                found.dedup();
                if found != wanted {
                    let report = render::human(&diagnostics, false);
                    failed.push_str(&format!("{}: {wanted:?} was due\n{}{report}", code.name(), example.spec()));
                }
            }
        }
        assert!(failed.is_empty(), "{failed}");
    }
}
