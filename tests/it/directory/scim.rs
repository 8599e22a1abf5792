//! The SCIM service and its dialects.

use serde_json::{Value as Json, json};

use super::Client;
use crate::support::directory::scim::{Dialect, LICENSE, Ops, Patch, Rate, Removal, Scim};
use crate::support::directory::{Directory, TOKEN};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn start(dialect: Dialect) -> (Directory<Scim>, Client) {
    let scim = Scim::new(dialect)
        .with_user("u1", "ada@acme.example")
        .with_user("u2", "bob@acme.example")
        .with_group("g1", "Staff", &["u1", "u2"])
        .with_group("g2", "Empty", &[]);
    let directory = Directory::start(scim);
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/scim+json")];
    let client = Client::new(&directory.url(), &headers);
    (directory, client)
}

fn operation(operation: Json) -> Json {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] })
}

fn removal(path: &str) -> Json {
    operation(json!({ "op": "remove", "path": path }))
}

fn person(email: &str) -> Json {
    json!({
        "schemas": [USER], "userName": email, "active": true,
        "name": { "givenName": "New", "familyName": "Comer" },
        "emails": [{ "value": email, "primary": true }],
    })
}

#[test]
fn lists_are_paged_and_filtered() {
    let (_directory, client) = start(Dialect::default());
    let page = client.get("/scim/v2/Users?startIndex=2&count=1").json;
    assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(2), &json!(1)));
    assert_eq!(page["Resources"][0]["groups"][0]["value"], "g1");
    let found = |filter: &str| client.get(&format!("/scim/v2/Users?filter={filter}"));
    assert_eq!(found("userName%20eq%20%22ADA%40acme.example%22").json["Resources"][0]["id"], "u1");
    assert_eq!(found("id+eq+%22U1%22").json["totalResults"], 0);
    assert_eq!(found("userName+eq+%22a%22+or+id+pr%22").json["scimType"], "invalidFilter");
    assert_eq!(found("title+eq+%22a%22").status, 400);
    assert_eq!(client.get("/scim/v2/Groups?filter=displayName+eq+%22staff%22").json["totalResults"], 1);
    assert_eq!(client.get("/scim/v2/Users/").status, 404);
    assert_eq!(client.with("authorization", "Bearer wrong").get("/scim/v2/Users").status, 401);
}

#[test]
fn users_are_created_once_replaced_and_deleted() {
    let (directory, client) = start(Dialect::default());
    let made = client.ask("POST", "/scim/v2/Users", &person("new@acme.example"));
    assert_eq!(made.status, 201, "{made:?}");
    let path = made.headers["location"].clone();
    let twice = client.ask("POST", "/scim/v2/Users", &person("NEW@acme.example"));
    assert_eq!((twice.status, &twice.json["scimType"]), (409, &json!("uniqueness")));
    let mut changed = person("newer@acme.example");
    changed["externalId"] = json!("e1");
    assert_eq!(client.ask("PUT", &path, &changed).json["meta"]["created"], made.json["meta"]["created"]);
    assert_eq!(client.get("/scim/v2/Users?filter=externalId+eq+%22e1%22").json["totalResults"], 1);
    assert_eq!(client.ask("DELETE", &path, &Json::Null).status, 204);
    assert_eq!(client.ask("DELETE", &path, &Json::Null).status, 404);
    assert_eq!(client.ask("DELETE", "/scim/v2/Users/u2", &Json::Null).status, 204);
    assert_eq!(directory.state().members("g1"), ["u1"]);
    assert!(directory.state().user_named("newer@acme.example").is_none());
    assert_eq!(directory.write_lines().len(), 6);
}

#[test]
fn a_patch_changes_what_its_path_says_or_nothing() {
    let (directory, client) = start(Dialect { no_target: true, ..Dialect::default() });
    let user = |change: Json| client.ask("PATCH", "/scim/v2/Users/u1", &operation(change));
    assert_eq!(user(json!({ "op": "Replace", "path": "active", "value": false })).json["active"], false);
    assert_eq!(user(json!({ "op": "add", "value": { "title": "Dr", "id": "u1" } })).json["title"], "Dr");
    assert_eq!(
        user(json!({ "op": "replace", "path": "name.givenName", "value": "Ada" })).json["name"]["givenName"],
        "Ada"
    );
    let license = json!({ "op": "replace", "path": format!("{LICENSE}:licenseType"), "value": "it" });
    assert_eq!(user(license).json[LICENSE]["licenseType"], "it");
    let email = json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "a@acme.example" });
    assert_eq!(user(email).json["emails"][0]["value"], "a@acme.example");
    let refused = |change: Json| user(change).json["scimType"].as_str().unwrap().to_owned();
    assert_eq!(refused(json!({ "op": "replace", "path": "emails[type eq \"x\"].value", "value": "a" })), "noTarget");
    assert_eq!(refused(json!({ "op": "replace", "path": "id", "value": "a" })), "mutability");
    assert_eq!(refused(json!({ "op": "replace", "path": "active", "value": "False" })), "invalidValue");
    assert_eq!(refused(json!({ "op": "remove" })), "noTarget");
    assert_eq!(refused(json!({ "op": "replace", "path": "userName", "value": "bob@acme.example" })), "uniqueness");
    let both = json!({ "Operations": [{ "op": "add", "path": "title", "value": "Prof" }, { "op": "remove" }] });
    assert_eq!(client.ask("PATCH", "/scim/v2/Users/u1", &both).status, 400);
    assert_eq!(directory.state().user("u1").unwrap()["title"], "Dr");
}

#[test]
fn members_are_added_once_and_removed_and_a_bare_removal_empties_the_group() {
    let (directory, client) = start(Dialect::default());
    let group = |change: &Json| client.ask("PATCH", "/scim/v2/Groups/g1", change).status;
    let add =
        |id: &str| operation(json!({ "op": "add", "path": "members", "value": [{ "value": id, "display": "x" }] }));
    assert_eq!((group(&add("u1")), group(&add("nobody"))), (200, 400));
    assert_eq!(directory.state().members("g1"), ["u1", "u2"]);
    assert_eq!(group(&removal("members[value eq \"u2\"]")), 200);
    assert_eq!(group(&removal("members[value eq \"u2\"]")), 200);
    assert_eq!(directory.state().members("g1"), ["u1"]);
    assert_eq!(group(&add("u2")), 200);
    assert_eq!(group(&operation(json!({ "op": "remove", "path": "members", "value": [{ "value": "u1" }] }))), 200);
    assert_eq!(directory.state().members("g1"), ["u2"]);
    assert_eq!(group(&removal("members")), 200);
    assert!(directory.state().members("g1").is_empty());
}

#[test]
fn members_are_removed_in_the_way_of_the_dialect() {
    let by_filter = removal("members[value eq \"u1\"]");
    let by_value = operation(json!({ "op": "remove", "path": "members", "value": [{ "value": "u1" }] }));
    let by_list = operation(json!({ "op": "replace", "path": "members", "value": [{ "value": "u2" }] }));
    let left = |dialect: Removal, change: &Json| {
        let (directory, client) = start(Dialect { removal: dialect, listed_members: false, ..Dialect::default() });
        let status = client.ask("PATCH", "/scim/v2/Groups/g1", change).status;
        assert!(client.get("/scim/v2/Groups").json["Resources"][0]["members"].is_null());
        (status, directory.state().members("g1").len())
    };
    assert_eq!((left(Removal::Filter, &by_filter), left(Removal::Filter, &by_value)), ((200, 1), (400, 2)));
    assert_eq!((left(Removal::Values, &by_filter), left(Removal::Values, &by_value)), ((400, 2), (200, 1)));
    assert_eq!((left(Removal::Careless, &by_filter), left(Removal::Careless, &by_value)), ((200, 1), (200, 0)));
    assert_eq!((left(Removal::Replacement, &by_filter), left(Removal::Replacement, &by_list)), ((400, 2), (200, 1)));
}

#[test]
fn a_patch_is_answered_in_the_way_of_the_dialect() {
    let answered = |patch: Patch, path: &str| {
        let (_directory, client) = start(Dialect { patch, ..Dialect::default() });
        let change = operation(json!({ "op": "add", "path": "externalId", "value": "e" }));
        let answer = client.ask("PATCH", path, &change);
        (answer.status, answer.json.is_object())
    };
    assert_eq!(answered(Patch::NoContent, "/scim/v2/Groups/g1"), (204, false));
    assert_eq!(answered(Patch::Empty, "/scim/v2/Groups/g1"), (200, false));
    assert_eq!(answered(Patch::NotOnUsers, "/scim/v2/Users/u1"), (501, true));
    assert_eq!(answered(Patch::NotOnUsers, "/scim/v2/Groups/g1"), (200, true));
    assert_eq!(answered(Patch::Unsupported, "/scim/v2/Groups/g1"), (501, true));
    let capitals = Dialect { ops: Ops::Capitalised, ignores_filters: true, ..Dialect::default() };
    let (_directory, client) = start(capitals);
    let group = |op: &str| {
        let change = operation(json!({ "op": op, "path": "members", "value": [{ "value": "u1" }] }));
        client.ask("PATCH", "/scim/v2/Groups/g2", &change).status
    };
    assert_eq!((group("add"), group("Add")), (400, 200));
    assert_eq!(client.get("/scim/v2/Users?filter=userName+eq+%22nobody%22").json["totalResults"], 2);
    assert_eq!(client.get("/scim/v2/ServiceProviderConfig").json["filter"]["supported"], false);
}

#[test]
fn versions_refuse_a_lost_update() {
    let (directory, client) = start(Dialect { versions: true, ..Dialect::default() });
    let version = client.get("/scim/v2/Groups/g1").headers["etag"].clone();
    directory.change(|scim| scim.add_member("g2", "u1"));
    directory.change(|scim| scim.remove_member("g1", "u1"));
    let group = json!({ "schemas": [GROUP], "displayName": "Staff", "members": [] });
    assert_eq!(client.with("if-match", &version).ask("PUT", "/scim/v2/Groups/g1", &group).status, 412);
    let version = client.get("/scim/v2/Groups/g1").headers["etag"].clone();
    assert_eq!(client.with("if-match", &version).ask("PUT", "/scim/v2/Groups/g1", &group).status, 200);
    assert!(directory.state().members("g1").is_empty());
}

#[test]
fn a_write_shows_after_some_reads() {
    let (directory, client) = start(Dialect { stale_reads: 2, ..Dialect::default() });
    client.ask("PATCH", "/scim/v2/Groups/g1", &removal("members[value eq \"u1\"]"));
    assert_eq!(directory.state().members("g1").len(), 1);
    let seen = || client.get("/scim/v2/Groups/g1").json["members"].as_array().unwrap().len();
    assert_eq!([seen(), seen(), seen()], [2, 2, 1]);
}

#[test]
fn dbt_links_invites_licenses_and_limits() {
    let (directory, client) = start(Dialect { rate: Some(Rate { requests: 4, seconds: 60 }), ..Dialect::dbt() });
    let made = client.ask("POST", "/scim/v2/Users", &person("new@acme.example"));
    assert_eq!((made.status, &made.json[LICENSE]), (200, &Json::Null), "{made:?}");
    let id = made.json["id"].as_str().unwrap();
    assert_eq!(directory.state().user(id).unwrap()[LICENSE]["licenseType"], "developer");
    let add = operation(json!({ "op": "add", "path": "members", "value": [{ "value": id, "display": "x" }] }));
    let refused = client.ask("PATCH", "/scim/v2/Groups/g2", &add);
    assert_eq!(refused.json["detail"], "All users must have licenses on this account");
    directory.change(|scim| scim.accept(id));
    assert_eq!(client.ask("PATCH", "/scim/v2/Groups/g2", &add).status, 200);
    directory.change(|scim| scim.invite("u1"));
    assert!(client.get("/scim/v2/Users/u1").json["groups"].is_null());
    let active = |change: Json| client.ask("PATCH", "/scim/v2/Users/u1", &operation(change)).status;
    assert_eq!(active(json!({ "op": "replace", "path": "active", "value": false })), 400);
    assert_eq!(active(json!({ "op": "replace", "value": { "active": false } })), 200);
    let linked = client.ask("POST", "/scim/v2/Users", &person("bob@acme.example"));
    assert_eq!((linked.status, &linked.json["id"]), (200, &json!("u2")));
    let mut wrong = person("c@acme.example");
    wrong["emails"][0]["value"] = json!("d@acme.example");
    assert_eq!(client.ask("POST", "/scim/v2/Users", &wrong).status, 400);
    let group = json!({ "schemas": [GROUP], "displayName": "staff", "members": [] });
    assert_eq!(client.ask("POST", "/scim/v2/Groups", &group).json["members"].as_array().unwrap().len(), 2);
    assert_eq!(client.ask("POST", "/scim/v2/Users", &person("d@acme.example")).status, 200);
    let limited = client.ask("POST", "/scim/v2/Users", &person("e@acme.example"));
    assert_eq!((limited.status, limited.headers["retry-after"].parse::<u64>().unwrap() > 50), (429, true));
}

#[test]
fn answers_may_be_wrapped() {
    let (directory, client) = start(Dialect { wrapped: true, unique_groups: true, ..Dialect::default() });
    let list = client.get("/scim/v2/Groups?count=1").json;
    assert_eq!((&list["data"][0]["id"], &list["extra"]["pagination"]["total_count"]), (&json!("g1"), &json!(2)));
    assert_eq!(client.get("/scim/v2/Users/u1").json["data"]["userName"], "ada@acme.example");
    let taken = client.ask("POST", "/scim/v2/Groups", &json!({ "schemas": [GROUP], "displayName": "Staff" }));
    assert_eq!((taken.status, &taken.json["status"]["code"]), (409, &json!(409)));
    directory.change(|scim| scim.remove_user("u1"));
    directory.change(|scim| scim.remove_group("g2"));
    assert_eq!((directory.state().users().len(), directory.state().groups().len()), (1, 1));
    assert_eq!(directory.state().group_named("Staff"), directory.state().group("g1"));
}
