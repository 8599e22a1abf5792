//! The spec as resolved.

use super::{Text, bare, specs};

#[test]
fn every_spec_as_resolved_is_a_spec_with_the_same_plan() {
    for spec in specs() {
        let plan = spec.plan();
        assert!(engine_review::compare::compare(&plan, &plan).is_empty(), "{}", spec.name);
        let yaml = spec.explained(&plan).yaml();
        let again = Text { name: "resolved.yaml".to_owned(), text: yaml, ..spec };
        let resolved = again.plan();
        let differences = engine_review::compare::compare(&plan, &resolved);
        assert!(differences.is_empty(), "{}\n{}", spec.name, engine_review::compare::human(&differences, false));
        let (wanted, got) = (bare(&plan), bare(&resolved));
        assert!(wanted == got, "{}: {}", spec.name, first_difference(&wanted, &got));
        assert!(!again.text.lines().any(|line| line.starts_with("use:")));
    }
}

fn first_difference(one: &str, other: &str) -> String {
    let at = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let near = |text: &str| text.bytes().skip(at.saturating_sub(200)).take(500).map(char::from).collect::<String>();
    format!("{}\n\n{}", near(one), near(other))
}
