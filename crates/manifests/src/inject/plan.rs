//! What has to be changed in one object, so that its pods have the Agent: a pure function of the object's value.

use serde_json::Value;

use super::change::{Change, ChangePath, PathStep, get, is_empty, path};
use super::hindrance::{self, LeftAloneReason};
use crate::agent::env;
use crate::node::{Map, Node};
use crate::sidecar::{Sidecar, mount};
use crate::workload::{WorkloadKind, group_of};

/// What pods are to get.
#[derive(Debug, Clone, PartialEq)]
pub enum InjectRequest {
    /// The sidecar, and a service account where they have none.
    Sidecar { sidecar: Box<Sidecar>, service_account: Option<String> },
    /// The labels by which the Admission Controller chooses them. Its profile may give the Agent its own user.
    Labels { labels: Vec<(String, String)>, own_user: bool },
}

/// What is to be done with an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum InjectPlan {
    /// Makes no pods of its own.
    NotAWorkload,
    /// Has what it is to get.
    Already(String),
    LeaveAlone(LeftAloneReason),
    Change {
        changes: Vec<Change>,
        notes: Vec<String>,
    },
}

/// Whether objects of this kind, or lists of them, may make pods.
pub(super) fn is_workload(kind: &str) -> bool {
    WorkloadKind::named(kind.strip_suffix("List").unwrap_or(kind)).is_some() || kind == "List"
}

/// The plan for the object at `base`; elements of a `PodList` and the like have their kind from the list.
pub(super) fn plan(object: &Value, kind: Option<&str>, base: &[PathStep], want: &InjectRequest) -> InjectPlan {
    let Some(kind) = object.get("kind").and_then(Value::as_str).or(kind) else { return InjectPlan::NotAWorkload };
    let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    // A version may be missing in lists.
    let has_group = |kind: &&WorkloadKind| version.is_empty() || kind.is_of_group(group_of(version));
    let Some(kind) = WorkloadKind::named(kind).filter(has_group) else { return InjectPlan::NotAWorkload };
    let mut planned = ObjectPlan { object, template: path(kind.template), changes: Vec::new(), notes: Vec::new() };
    match planned.make(kind, want) {
        Err(reason) => InjectPlan::LeaveAlone(reason),
        Ok(Some(already)) => InjectPlan::Already(already),
        Ok(None) => {
            let ObjectPlan { mut changes, notes, .. } = planned;
            changes.iter_mut().for_each(|change| change.put_under(base));
            InjectPlan::Change { changes, notes }
        }
    }
}

impl Change {
    fn put_under(&mut self, base: &[PathStep]) {
        match self {
            Change::Add { at, .. }
            | Change::Append { at, .. }
            | Change::Prepend { at, .. }
            | Change::Set { at, .. } => {
                at.splice(0..0, base.iter().cloned());
            }
        }
    }
}

struct ObjectPlan<'object> {
    object: &'object Value,
    /// Where the pod is.
    template: ChangePath,
    changes: Vec<Change>,
    notes: Vec<String>,
}

impl ObjectPlan<'_> {
    /// `Some` if nothing is left to be done.
    fn make(&mut self, kind: &WorkloadKind, want: &InjectRequest) -> Result<Option<String>, LeftAloneReason> {
        let spec = get(self.object, &self.in_spec(&[])).filter(|spec| spec.is_object());
        let spec = spec.ok_or_else(|| LeftAloneReason::new("it has no pod spec", "complete it first"))?;
        if let Some(already) = hindrance::agent(spec) {
            return Ok(Some(already));
        }
        let own_user = match want {
            InjectRequest::Sidecar { sidecar, .. } => sidecar.own_user,
            InjectRequest::Labels { own_user, .. } => *own_user,
        };
        hindrance::check(kind, spec, own_user)?;
        match want {
            InjectRequest::Labels { labels, .. } => self.labels(labels)?,
            InjectRequest::Sidecar { sidecar, service_account } => {
                self.sidecar(spec, &Sidecar { ends_with_pod: kind.runs_to_completion, ..*sidecar.clone() })?;
                let has_account = ["serviceAccountName", "serviceAccount"].iter().any(|name| has(spec, name));
                if let Some(account) = service_account.as_ref().filter(|_| !has_account) {
                    let name = "serviceAccountName".to_owned();
                    self.changes.push(Change::Add { at: self.in_spec(&[]), name, value: account.as_str().into() });
                }
            }
        }
        Ok(self.changes.is_empty().then(|| "it already has the label".to_owned()))
    }

    fn in_spec(&self, inside: &[PathStep]) -> ChangePath {
        let spec = PathStep::Name("spec".to_owned());
        self.template.iter().cloned().chain([spec]).chain(inside.iter().cloned()).collect()
    }

    fn sidecar(&mut self, spec: &Value, sidecar: &Sidecar) -> Result<(), LeftAloneReason> {
        for list in ["containers", "initContainers"] {
            let containers = spec.get(list).and_then(Value::as_array);
            for (number, container) in containers.into_iter().flatten().enumerate() {
                let at = self.in_spec(&[PathStep::Name(list.to_owned()), PathStep::Index(number)]);
                // Containers that run before the Agent have nobody to send anything to.
                if list == "containers" {
                    self.variables(container, &at, sidecar)?;
                }
                self.mounts(container, &at, sidecar)?;
            }
        }
        self.add_to_list(spec, &self.in_spec(&[]), "containers", vec![sidecar.container()])?;
        let share = "shareProcessNamespace";
        match spec.get(share) {
            _ if !sidecar.shares_processes() => {}
            Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => {
                let at = self.in_spec(&[PathStep::Name(share.to_owned())]);
                self.changes.push(Change::Set { at, value: true.into() });
                self.notes.push("shareProcessNamespace was false and is now true: the Agent needs it".to_owned());
            }
            _ => {
                self.changes.push(Change::Add { at: self.in_spec(&[]), name: share.to_owned(), value: true.into() });
            }
        }
        self.volumes(spec, sidecar)?;
        if spec.get("automountServiceAccountToken") == Some(&Value::Bool(false)) {
            let note = "automountServiceAccountToken is false: without a token the Agent gets nothing from the kubelet";
            self.notes.push(note.to_owned());
        }
        Ok(())
    }

    /// As the Admission Controller does it, values that are there already are replaced.
    fn variables(&mut self, container: &Value, at: &ChangePath, sidecar: &Sidecar) -> Result<(), LeftAloneReason> {
        let name_of = |one: &Value| one.get("name").and_then(Value::as_str).map(str::to_owned);
        let there = list(container, "env")?;
        let container_name = name_of(container).unwrap_or_default();
        let mut missing = Vec::new();
        // They go before all others, which may then use them as `$(NAME)`.
        for (name, value) in sidecar.application_env() {
            // Of two with the same name Kubernetes takes the last.
            let place = there.iter().rposition(|one| name_of(one).as_deref() == Some(name));
            let Some((index, one)) = place.and_then(|index| Some((index, there.get(index)?))) else {
                missing.insert(0, env(name, &value));
                continue;
            };
            if has(one, "valueFrom") {
                let what = format!("container {container_name} sets {name} with valueFrom");
                return Err(LeftAloneReason::new(&what, "remove that variable"));
            }
            let entry = [at.as_slice(), &[PathStep::Name("env".to_owned()), PathStep::Index(index)]].concat();
            match one.get("value") {
                Some(Value::String(text)) if *text == value => continue,
                Some(Value::Null) | None => {
                    self.changes.push(Change::Add { at: entry, name: "value".to_owned(), value: value.into() });
                }
                Some(_) => {
                    let at = [entry.as_slice(), &[PathStep::Name("value".to_owned())]].concat();
                    self.changes.push(Change::Set { at, value: value.into() });
                }
            }
            self.notes
                .push(format!("{name} of container {container_name} had another value; it now points to the sidecar"));
        }
        if there.iter().any(|one| name_of(one).as_deref() == Some("DD_AGENT_HOST")) {
            let note = "sets DD_AGENT_HOST, but Fargate nodes run no Agent: remove it";
            self.notes.push(format!("container {container_name} {note}"));
        }
        self.prepend(container, at, "env", missing)
    }

    fn mounts(&mut self, container: &Value, at: &ChangePath, sidecar: &Sidecar) -> Result<(), LeftAloneReason> {
        let there = list(container, "volumeMounts")?;
        let mut missing = Vec::new();
        'wanted: for (name, place) in sidecar.application_mounts() {
            for mount in there {
                let text = |member: &str| mount.get(member).and_then(Value::as_str).unwrap_or_default();
                let (own_name, own_place) = (text("name"), text("mountPath").trim_end_matches('/'));
                if (own_name, own_place) == (name, place) {
                    continue 'wanted;
                }
                if own_name == name || own_place == place {
                    let container = container.get("name").and_then(Value::as_str).unwrap_or_default();
                    let what = format!(
                        "container {container} mounts {own_name} at {own_place}, which the Agent's sockets need"
                    );
                    return Err(LeftAloneReason::new(&what, "rename that volume, or mount it elsewhere"));
                }
            }
            missing.push(mount(name, place));
        }
        self.add_to_list(container, at, "volumeMounts", missing)
    }

    fn volumes(&mut self, spec: &Value, sidecar: &Sidecar) -> Result<(), LeftAloneReason> {
        let there = list(spec, "volumes")?;
        let mut missing = Vec::new();
        for (name, volume) in sidecar.volumes() {
            match there.iter().find(|one| one.get("name").and_then(Value::as_str) == Some(name)) {
                Some(one) if one.get("emptyDir").is_some() => {}
                Some(_) => {
                    let what = format!("it has a different volume named {name}");
                    return Err(LeftAloneReason::new(&what, "rename that volume"));
                }
                None => missing.push(volume),
            }
        }
        self.add_to_list(spec, &self.in_spec(&[]), "volumes", missing)
    }

    /// Adds to a list, which may be missing.
    fn add_to_list(
        &mut self,
        parent: &Value,
        at: &ChangePath,
        name: &str,
        values: Vec<Map>,
    ) -> Result<(), LeftAloneReason> {
        if values.is_empty() {
            return Ok(());
        }
        if list(parent, name)?.is_empty() {
            self.changes.push(Change::Add { at: at.clone(), name: name.to_owned(), value: Node::list(values) });
        } else {
            let at = [at.as_slice(), &[PathStep::Name(name.to_owned())]].concat();
            let append = |value: Map| Change::Append { at: at.clone(), value: value.into() };
            self.changes.extend(values.into_iter().map(append));
        }
        Ok(())
    }

    /// Puts values before those of a list, which may be missing.
    fn prepend(
        &mut self,
        parent: &Value,
        at: &ChangePath,
        name: &str,
        values: Vec<Map>,
    ) -> Result<(), LeftAloneReason> {
        if values.is_empty() || list(parent, name)?.is_empty() {
            return self.add_to_list(parent, at, name, values);
        }
        let at = [at.as_slice(), &[PathStep::Name(name.to_owned())]].concat();
        self.changes.push(Change::Prepend { at, values: values.into_iter().map(Node::from).collect() });
        Ok(())
    }

    fn labels(&mut self, labels: &[(String, String)]) -> Result<(), LeftAloneReason> {
        let metadata = [self.template.as_slice(), &path(&["metadata"])].concat();
        let place = [metadata.as_slice(), &path(&["labels"])].concat();
        let there = get(self.object, &place).filter(|there| !is_empty(there));
        let mut missing = Vec::new();
        for (name, value) in labels {
            match there.and_then(|there| there.get(name)) {
                Some(Value::String(own)) if own == value => {}
                Some(_) => {
                    let what = format!("its label {name} has a different value");
                    return Err(LeftAloneReason::new(&what, &format!("set it to {value} if you want the Agent")));
                }
                None => missing.push((name, value)),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        if there.is_some() {
            let add = |(name, value): (&String, &String)| Change::Add {
                at: place.clone(),
                name: name.clone(),
                value: value.as_str().into(),
            };
            self.changes.extend(missing.into_iter().map(add));
            return Ok(());
        }
        let labels = missing.into_iter().fold(Map::new(), |map, (name, value)| map.with(name, value.as_str()));
        let has_metadata = get(self.object, &metadata).is_some_and(|metadata| !is_empty(metadata));
        self.changes.push(if has_metadata {
            Change::Add { at: metadata, name: "labels".to_owned(), value: labels.into() }
        } else {
            let value = Map::new().with("labels", labels).into();
            Change::Add { at: self.template.clone(), name: "metadata".to_owned(), value }
        });
        Ok(())
    }
}

fn has(value: &Value, name: &str) -> bool {
    value.get(name).is_some_and(|inside| !inside.is_null())
}

/// The elements of a list, which may be missing.
fn list<'value>(value: &'value Value, name: &str) -> Result<&'value [Value], LeftAloneReason> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(LeftAloneReason::new(&format!("its {name} is not a list"), "fix it first")),
    }
}
