//! An API that is SCIM 2.0 (RFC 7644): the fragment knows how it is read and changed, so the draft says
//! only where it is, how one signs in, and what of it is not there. In: an API and its list of users.
//! Out: the draft, where the list is SCIM's.

use crate::api::{Api, List, Segment, folded, shown};
use crate::choose::Choice;
use crate::compose;
use crate::draft::{Draft, Field};
use crate::pages::recognised;
use crate::write::{config, head, sign_in};
use crate::yaml::{Map, Node, flow, flow_map};

/// The endpoints of SCIM.
const USERS: &str = "Users";
const GROUPS: &str = "Groups";
/// How many resources the fragment asks for.
const USUAL_SIZE: u64 = 100;

/// A service that speaks SCIM.
pub(crate) struct Service<'a> {
    api: &'a Api,
    users: &'a List,
    groups: Option<&'a List>,
    /// The path before both endpoints.
    base: Vec<Segment>,
}

impl<'a> Service<'a> {
    /// The service that a list of users belongs to; `None` where it is not SCIM's.
    pub fn of(api: &'a Api, users: &'a List) -> Option<Self> {
        let (last, before) = users.path.split_last()?;
        let signs = [
            users.items == ["Resources"],
            users.parameters.iter().any(|parameter| folded(&parameter.name) == "startindex"),
            users.row.member("userName").is_some(),
            before.iter().any(|segment| matches!(segment, Segment::Fixed(text) if text.eq_ignore_ascii_case("scim"))),
        ];
        let is_scim = *last == Segment::Fixed(USERS.to_owned()) && signs.iter().filter(|sign| **sign).count() >= 2;
        let groups = Segment::Fixed(GROUPS.to_owned());
        let is_groups =
            |list: &&List| list.path.split_last().is_some_and(|(last, rest)| rest == before && *last == groups);
        is_scim.then(|| Self {
            api,
            users,
            groups: api.lists.iter().find(is_groups),
            base: api.base_path.iter().chain(before).cloned().collect(),
        })
    }

    /// What was found, a line each.
    pub fn found(&self) -> Vec<String> {
        let groups = self.groups.map_or_else(|| "no list".to_owned(), |list| format!("GET {}, SCIM 2.0", list.shown()));
        vec![format!("user   GET {}, SCIM 2.0", self.users.shown()), format!("group  {groups}")]
    }

    /// The lists that the user named and the fragment does not read, a line each.
    pub fn left_out(&self, choice: &Choice<'_>) -> Vec<String> {
        let is_own = |list: &List| self.groups.is_some_and(|groups| std::ptr::eq(groups, list));
        let named = choice.held.iter().map(|held| &held.chosen).filter(|chosen| chosen.named && !is_own(chosen.list));
        let told =
            |path: String| format!("GET {path}: it is outside SCIM, and a draft over SCIM has only users and groups");
        named.map(|chosen| told(chosen.list.shown())).collect()
    }

    /// The draft as YAML.
    pub fn written(&self, id: &str, name: &str) -> String {
        let mut draft = compose::begun(self.api, self.users, id, name);
        draft.fields.push(self.base_url());
        let mut top = head(&draft);
        let mut options = Map::default();
        let mut resources = Map::default();
        if let Some((_, size)) = recognised(self.users).limit.filter(|(_, size)| *size != USUAL_SIZE) {
            options.put("page_size", Node::Plain(size.to_string()));
        }
        let user = self.user(&mut options);
        let group = self.group(&mut options);
        for (id, changes) in [("user", user), ("group", group)] {
            match changes {
                Some(changes) if changes.is_empty() => {}
                Some(changes) => {
                    resources.put(id, Node::Map(changes));
                }
                None => {
                    resources.put(id, null());
                }
            }
        }
        let fragment = match options.is_empty() {
            true => Node::Text("scim2".to_owned()),
            false => {
                let mut fragment = Map::default();
                fragment.put("scim2", Node::Map(options));
                Node::Map(fragment)
            }
        };
        top.guess("use", fragment, self.doubts());
        top.put("config", Node::Map(config(&draft)));
        top.put("http", Node::Map(client(&draft)));
        if !resources.is_empty() {
            top.put("resources", Node::Map(resources));
        }
        top.whole_spec()
    }

    fn doubts(&self) -> Vec<String> {
        let source = self.api.source;
        let changes = match &self.api.changes {
            Some(_) => format!("what {source} does not describe is set to null below; does the rest work?"),
            None => format!(
                "{source} does not show what can be changed; what the service does not do is set to `null`, such as `resources: {{ user: {{ delete: null }} }}`"
            ),
        };
        let active = "is somebody without `active` enabled? `absent_active: enabled` says so";
        vec![format!("`engine explain` shows what this fragment reads and writes; {changes}"), active.to_owned()]
    }

    fn base_url(&self) -> Field {
        let path = shown(&self.base);
        let is_fixed = self.base.iter().all(|segment| matches!(segment, Segment::Fixed(_)));
        let mut field = Field {
            name: "base_url".to_owned(),
            title: "SCIM base URL".to_owned(),
            help: Some("The URL of the SCIM API, without /Users at its end.".to_owned()),
            url: true,
            ..Field::default()
        };
        match &self.api.origin {
            Some(origin) if is_fixed => field.default = Some(format!("{origin}{path}")),
            origin => {
                let written = format!("{}{path}", origin.as_deref().unwrap_or_default());
                field.doubts.push(format!("{} writes it `{written}`; say where one finds it", self.api.source));
            }
        }
        field.doubts.extend(self.api.origin_note.clone());
        field
    }

    /// What users lack.
    fn user(&self, options: &mut Map) -> Option<Map> {
        let mut map = Map::default();
        let Some(can) = self.can(self.users) else { return Some(map) };
        if !can.create {
            map.put("create", null());
        }
        if !can.patch && can.put {
            options.text("user_updates", "put").text("active_form", "put");
        }
        if !can.patch && !can.put {
            for operation in ["update", "enable", "disable"] {
                map.put(operation, null());
            }
        }
        if !can.delete {
            map.put("delete", null());
        }
        if !can.create && !can.patch && !can.put {
            map.put("attributes", null());
        }
        Some(map)
    }

    /// What groups lack; `None` where there are none.
    fn group(&self, options: &mut Map) -> Option<Map> {
        let groups = self.groups?;
        let mut map = Map::default();
        let Some(can) = self.can(groups) else { return Some(map) };
        if !can.create {
            map.put("create", null());
        }
        if !can.patch && can.put {
            options.text("group_changes", "put");
        }
        if !can.patch && !can.put {
            map.put("update", null());
        }
        if !can.delete {
            map.put("delete", null());
        }
        if !can.create && !can.patch && !can.put {
            map.put("attributes", null());
        }
        if !can.patch && !can.put {
            let mut entitlements = Map::default();
            let changes = ["grant", "revoke"].map(|operation| (operation, "null".to_owned()));
            entitlements.put("member", flow_map(changes));
            map.put("entitlements", Node::Map(entitlements));
        }
        Some(map)
    }

    /// What can be done with the resources of a list; `None` where nothing is known.
    fn can(&self, list: &List) -> Option<Can> {
        let changes = self.api.changes.as_ref()?;
        let one = |path: &[Segment]| matches!(path.split_last(), Some((Segment::Hole(_), above)) if above == list.path);
        let has = |method: &str| changes.iter().any(|(known, path)| known == method && one(path));
        let create = changes.iter().any(|(known, path)| known == "post" && *path == list.path);
        Some(Can { create, patch: has("patch"), put: has("put"), delete: has("delete") })
    }
}

/// What can be done with resources.
struct Can {
    create: bool,
    patch: bool,
    put: bool,
    delete: bool,
}

fn client(draft: &Draft) -> Map {
    let mut http = Map::default();
    http.text("base_url", "{{ config.base_url }}");
    if let Some(auth) = sign_in(&draft.auth) {
        http.guess("auth", auth, &draft.auth.doubts);
    }
    if !draft.headers.is_empty() {
        http.put("headers", flow_map(draft.headers.iter().map(|(name, value)| (name.as_str(), flow(value)))));
    }
    http
}

fn null() -> Node {
    Node::Plain("null".to_owned())
}
