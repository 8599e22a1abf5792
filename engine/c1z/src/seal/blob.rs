//! The bytes of a grant, written straight from its columns.
//!
//! In: a settled grant. Out: the protobuf bytes of its message with stubs for entitlement and
//! principal. There are more grants than anything else, so no message is built for them; a test
//! holds the bytes against the generated code.

use engine_model::Profile;
use engine_proto::{Any, Message as _, v2};

use crate::encode::any;
use crate::profile::to_struct;
use crate::settled::SettledGrant;
use crate::shape::Attributes;
use crate::wire::put_bytes;

/// Writes grants; its buffers are used again for each.
pub(super) struct GrantBytes {
    immutable: Vec<u8>,
    id: Vec<u8>,
    stub: Vec<u8>,
    nested: Vec<u8>,
    bytes: Vec<u8>,
}

impl GrantBytes {
    pub(super) fn new() -> Self {
        Self {
            immutable: any(&v2::GrantImmutable::default()).encode_to_vec(),
            id: Vec::new(),
            stub: Vec::new(),
            nested: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// The message's bytes; `entitlement` and `id` are the file's ids of the grant.
    pub(super) fn of(
        &mut self,
        grant: &SettledGrant<'_>,
        entitlement: &str,
        id: &str,
        kept: Option<&Profile>,
    ) -> &[u8] {
        let Self { immutable, id: resource_id, stub, nested, bytes } = self;
        bytes.clear();
        // Entitlement: resource 1 with its id 1, id 2.
        put_resource_id(resource_id, grant.resource_type, grant.resource);
        stub.clear();
        put(stub, 1, resource_id);
        nested.clear();
        put(nested, 1, stub);
        put(nested, 2, entitlement.as_bytes());
        put(bytes, 1, nested);
        // Principal: its id 1.
        put_resource_id(resource_id, grant.principal_type, grant.principal);
        nested.clear();
        put(nested, 1, resource_id);
        put(bytes, 2, nested);
        put(bytes, 3, id.as_bytes());
        if grant.immutable {
            put(bytes, 4, immutable);
        }
        if let Some(kept) = kept {
            let annotation: Any = any(&v2::GrantMetadata { metadata: Some(to_struct(&Attributes::of(kept))) });
            put(bytes, 4, &annotation.encode_to_vec());
        }
        if !grant.sources.is_empty() {
            put_sources(nested, &grant.sources);
            put(bytes, 5, nested);
        }
        bytes
    }
}

/// GrantSources: map entries 1 of key 1 and value 2; a value's one field 1 is left out when false.
fn put_sources(into: &mut Vec<u8>, sources: &[(&str, bool)]) {
    into.clear();
    let mut entry = Vec::new();
    for (id, direct) in sources {
        entry.clear();
        put(&mut entry, 1, id.as_bytes());
        put(&mut entry, 2, if *direct { &[0x08, 0x01] } else { &[] });
        put(into, 1, &entry);
    }
}

fn put_resource_id(into: &mut Vec<u8>, resource_type: &str, id: &str) {
    into.clear();
    put(into, 1, resource_type.as_bytes());
    put(into, 2, id.as_bytes());
}

/// A length-delimited field.
fn put(into: &mut Vec<u8>, field: u8, content: &[u8]) {
    into.push((field << 3) | 2);
    put_bytes(into, content);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn grant<'a>(principal: &'a str, sources: &[(&'a str, bool)]) -> SettledGrant<'a> {
        SettledGrant {
            resource_type: "group",
            resource: "g1",
            slug: "member",
            principal_type: "user",
            principal,
            immutable: false,
            kept: None,
            expansion: None,
            sources: sources.to_vec(),
            derived: false,
        }
    }

    #[test]
    fn a_plain_grant_has_the_golden_bytes() {
        let mut bytes = GrantBytes::new();
        let bytes = bytes.of(&grant("u1", &[]), "group:g1:member", "group:g1:member:user:u1", None);
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            text,
            "0a200a0d0a0b0a0567726f757012026731120f67726f75703a67313a6d656d626572120c0a0a0a0475736572\
             120275311a1767726f75703a67313a6d656d6265723a757365723a7531"
        );
    }

    #[test]
    fn a_grant_with_everything_reads_back_as_its_message() {
        let long = "u".repeat(700);
        let mut grant = grant(&long, &[("group:g2:member", true), ("group:g3:member", false)]);
        grant.immutable = true;
        let kept = Profile::from_iter([("membership".to_owned(), "m1".into())]);
        let mut writer = GrantBytes::new();
        let bytes = writer.of(&grant, "group:g1:member", "the-id", Some(&kept));
        let message = v2::Grant::decode(bytes).unwrap();
        let resource = |resource_type: &str, id: &str| v2::Resource {
            id: Some(v2::ResourceId {
                resource_type: resource_type.into(),
                resource: id.into(),
                baton_resource: false,
            }),
            ..v2::Resource::default()
        };
        let source = |is_direct| v2::grant_sources::GrantSource { is_direct };
        let expected = v2::Grant {
            entitlement: Some(v2::Entitlement {
                resource: Some(resource("group", "g1")),
                id: "group:g1:member".into(),
                ..v2::Entitlement::default()
            }),
            principal: Some(resource("user", &long)),
            id: "the-id".into(),
            annotations: vec![
                any(&v2::GrantImmutable::default()),
                any(&v2::GrantMetadata { metadata: Some(to_struct(&Attributes::of(&kept))) }),
            ],
            sources: Some(v2::GrantSources {
                sources: BTreeMap::from([
                    ("group:g2:member".to_owned(), source(true)),
                    ("group:g3:member".to_owned(), source(false)),
                ]),
            }),
        };
        assert_eq!(message, expected);
    }
}
