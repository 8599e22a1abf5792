//! How a connector is run: from a shell, in Docker, in Kubernetes. Secrets are files everywhere;
//! no command, manifest or variable holds one.

use std::fmt::Write;

use engine_json::{Value as Json, json};

use super::Setting;
use super::capability::{changes_anything, grantable};
use super::given::{file_variable, needed};
use crate::markdown::{block, code, codes};
use crate::plan::{Auth, ConfigField, Oauth2Grant, Plan};

/// Where secrets are mounted.
const SECRETS: &str = "/run/secrets/engine";
/// The user that the image runs as.
const USER: u32 = 65532;
/// The longest name of a connector inside the names of Kubernetes: those of a CronJob have 52
/// characters at most, `engine-` among them.
const LONGEST_NAME: usize = 45;

/// Whether a run keeps refresh tokens for the next one.
pub(super) fn keeps_tokens(plan: &Plan) -> bool {
    plan.clients.iter().any(|client| {
        matches!(&client.auth, Some(Auth::Oauth2(oauth2)) if matches!(oauth2.grant, Oauth2Grant::RefreshToken(_)))
    })
}

fn secrets(plan: &Plan) -> impl Iterator<Item = &ConfigField> {
    plan.config.iter().filter(|field| needed(field) && field.secret)
}

fn open(plan: &Plan) -> impl Iterator<Item = &ConfigField> {
    plan.config.iter().filter(|field| needed(field) && !field.secret)
}

/// What stands where the user's own value is due.
fn placeholder(field: &ConfigField) -> String {
    field.example.clone().unwrap_or_else(|| format!("<{}>", field.title))
}

/// The commands.
pub(super) fn shell(plan: &Plan, setting: &Setting<'_>) -> String {
    let mut text = String::new();
    let files: Vec<String> = secrets(plan).map(|field| format!("secrets/{}", field.name)).collect();
    if !files.is_empty() {
        let _ = write!(
            text,
            "Put each secret into a file that only you can read ({}); a line end after it does no harm.\n\n",
            codes(files)
        );
    }
    let mut lines = String::new();
    for field in secrets(plan) {
        let _ = writeln!(lines, "export {}=\"$PWD/secrets/{}\"", file_variable(field), field.name);
    }
    for field in open(plan) {
        let _ = writeln!(lines, "export {}={}", field.env, quoted(&placeholder(field)));
    }
    let _ = writeln!(lines, "engine sync --spec {} --file {}.c1z", quoted(setting.spec), plan.id);
    text.push_str(&block("sh", &lines));
    text.push_str(
        "\nExit status: 0 complete; 1 failed; 2 wrong usage, a missing value or an invalid spec; 3 finished but \
         incomplete; 4 credentials refused. `engine resources`, `engine entitlements` and `engine grants` look into \
         the file.\n",
    );
    if changes_anything(plan) {
        text.push_str(&changing(plan, setting));
    }
    text
}

fn changing(plan: &Plan, setting: &Setting<'_>) -> String {
    let mut held = plan.types.iter().flat_map(|kind| kind.entitlements.iter().map(move |it| (kind, it)));
    let grant = held.find(|(_, entitlement)| entitlement.each.is_empty() && grantable(entitlement).0);
    let made = plan.types.iter().find(|kind| kind.operations.create.is_some());
    let spec = quoted(setting.spec);
    let command = match (grant, made) {
        (Some((kind, entitlement)), _) => {
            let holder = entitlement.grantable_to.first().map(String::as_str).unwrap_or_default();
            let what = quoted(&format!("{}:<id>:{}", kind.id, entitlement.key));
            format!("engine grant --spec {spec} --provisioning --plan {what} {}", quoted(&format!("{holder}:<id>")))
        }
        (None, Some(kind)) => {
            let inputs = kind.attributes.iter().filter(|attribute| attribute.required_on_create);
            let inputs =
                inputs.map(|attribute| format!(" --input {}", quoted(&format!("{}=<value>", attribute.name()))));
            let inputs: String = inputs.collect();
            format!("engine account create --spec {spec} --provisioning --plan --type {}{inputs}", kind.id)
        }
        (None, None) => return String::new(),
    };
    format!(
        "\nA change needs `--provisioning`. With `--plan` it only shows what would be sent:\n\n{}",
        block("sh", &command)
    )
}

/// The commands of Docker.
pub(super) fn docker(plan: &Plan, setting: &Setting<'_>) -> String {
    let mut text = format!(
        "{} is an image made from the engine's repository: `docker build --file engine/Dockerfile --tag {} .`. It \
         holds the repository's specs in `/specs`; mount a spec of your own over the one there. The file is written \
         to the folder `data`.\n\n",
        code(setting.image),
        setting.image,
    );
    let mut words = vec!["docker run --rm --user \"$(id -u):$(id -g)\"".to_owned()];
    if secrets(plan).next().is_some() {
        words.push(format!("--volume \"$PWD/secrets:{SECRETS}:ro\""));
    }
    words.push("--volume \"$PWD/data:/data\"".to_owned());
    if keeps_tokens(plan) {
        words.push("--env XDG_STATE_HOME=/data/state".to_owned());
    }
    words.extend(secrets(plan).map(|field| format!("--env {}={SECRETS}/{}", file_variable(field), field.name)));
    words.extend(open(plan).map(|field| format!("--env {}={}", field.env, quoted(&placeholder(field)))));
    words.push(format!("{} {}", quoted(setting.image), arguments(plan, setting).map(|word| quoted(&word)).join(" ")));
    text.push_str(&block("sh", &format!("mkdir -p data\n{}", words.join(" \\\n  "))));
    text
}

/// What the program is given in a container.
fn arguments(plan: &Plan, setting: &Setting<'_>) -> [String; 5] {
    let file = setting.spec.rsplit(['/', '\\']).next().unwrap_or_default();
    [
        "sync".to_owned(),
        "--spec".to_owned(),
        format!("/specs/{file}"),
        "--file".to_owned(),
        format!("/data/{}.c1z", plan.id),
    ]
}

/// The manifests.
pub(super) fn kubernetes(plan: &Plan, setting: &Setting<'_>) -> String {
    let short: String = plan.id.chars().take(LONGEST_NAME).collect();
    let name = format!("engine-{}", short.trim_end_matches('-'));
    let mut text = String::new();
    if secrets(plan).next().is_some() {
        let files: Vec<String> =
            secrets(plan).map(|field| format!("--from-file={}=secrets/{}", field.name, field.name)).collect();
        let command = format!("kubectl create secret generic {name} \\\n  {}", files.join(" \\\n  "));
        let _ = write!(
            text,
            "The Secret, from the files of above, so that no value stands in a manifest:\n\n{}\n\
             The same as a manifest, for tools that fill in the values:\n\n{}\n",
            block("sh", &command),
            block("yaml", &yaml(&[secret(plan, &name)]))
        );
    }
    text.push_str(
        "A run reads once and ends, so it is a CronJob and not a Deployment, which would start it again at once: this \
         one runs every night. A run that failed or is \
         incomplete is repeated and goes on where it stopped; one with wrong credentials (4) or wrong settings (2) is \
         not. The file lies in the volume.",
    );
    let others: Vec<&str> = plan.config.iter().filter(|field| !needed(field)).map(|field| field.env.as_str()).collect();
    if !others.is_empty() {
        let _ = write!(text, " {} may be set, too.", codes(others));
    }
    let _ = write!(text, "\n\n{}", block("yaml", &yaml(&[volume(&name), cron_job(plan, setting, &name)])));
    text
}

fn yaml(documents: &[Json]) -> String {
    // A map with texts for keys is always YAML.
    let texts: Vec<String> = documents.iter().filter_map(|document| serde_yaml::to_string(document).ok()).collect();
    texts.join("---\n")
}

fn secret(plan: &Plan, name: &str) -> Json {
    let values: engine_json::Map =
        secrets(plan).map(|field| (field.name.clone(), Json::from(format!("<{}>", field.title)))).collect();
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "type": "Opaque", "stringData": values })
}

fn volume(name: &str) -> Json {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "name": name },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
    })
}

fn cron_job(plan: &Plan, setting: &Setting<'_>, name: &str) -> Json {
    let with_secrets = secrets(plan).next().is_some();
    let mut mounts = vec![json!({ "name": "data", "mountPath": "/data" })];
    let mut volumes = vec![json!({ "name": "data", "persistentVolumeClaim": { "claimName": name } })];
    if with_secrets {
        mounts.push(json!({ "name": "secrets", "mountPath": SECRETS, "readOnly": true }));
        volumes.push(json!({ "name": "secrets", "secret": { "secretName": name, "defaultMode": 0o440 } }));
    }
    let mut variables: Vec<Json> = secrets(plan)
        .map(|field| json!({ "name": file_variable(field), "value": format!("{SECRETS}/{}", field.name) }))
        .collect();
    variables.extend(open(plan).map(|field| json!({ "name": field.env, "value": placeholder(field) })));
    if keeps_tokens(plan) {
        variables.push(json!({ "name": "XDG_STATE_HOME", "value": "/data/state" }));
    }
    let container = json!({
        "name": "engine",
        "image": setting.image,
        "args": arguments(plan, setting),
        "env": variables,
        "volumeMounts": mounts,
        "resources": { "requests": { "cpu": "100m", "memory": "128Mi" } },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
        },
    });
    let pod = json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "containers": [container],
        "volumes": volumes,
    });
    let refused = json!({ "containerName": "engine", "operator": "In", "values": [2, 4] });
    let job = json!({
        "backoffLimit": 2,
        "podFailurePolicy": { "rules": [{ "action": "FailJob", "onExitCodes": refused }] },
        "template": { "spec": pod },
    });
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": { "name": name },
        "spec": { "schedule": "17 3 * * *", "concurrencyPolicy": "Forbid", "jobTemplate": { "spec": job } },
    })
}

/// A word of a shell.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_program_as_they_are() {
        assert_eq!(quoted("specs/acme.yaml"), "specs/acme.yaml");
        assert_eq!(quoted("<it's>"), "'<it'\\''s>'");
        assert_eq!(quoted(""), "''");
    }
}
