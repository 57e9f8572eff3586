//! What is to be done with a container, by what it is and what the task says.

use module::{Failure, Host};
use protocol::{Json, JsonMap};
use serde_json::json;

use super::{
    super::{
        at, escape, is_image_id,
        options::{Compared, Wish},
    },
    Comparison, DockerContainer, Found, NameMismatch, State, Work,
};

/// A value as it is compared: without what engines write in two ways.
fn normal(option: &str, value: &Json) -> Json {
    match (option, value) {
        ("capabilities" | "cap_drop", Json::String(text)) => {
            let upper = text.to_uppercase();
            upper.strip_prefix("CAP_").unwrap_or(&upper).into()
        }
        ("network_mode", Json::String(text)) if text == "default" => "bridge".into(),
        ("mounts", Json::Object(map)) => {
            // What the engine adds where nothing is said.
            let mut map = map.clone();
            map.retain(|_, value| !value.is_null() && *value != json!({}));
            map.into()
        }
        _ => value.clone(),
    }
}

/// Whether what is fits a wish.
fn fits(wish: &Wish, found: &Json, comparison: Comparison) -> bool {
    let list = |value: &Json| -> Vec<Json> {
        let all = value.as_array().cloned().unwrap_or_default();
        all.iter().map(|one| normal(wish.option, one)).collect()
    };
    let holds = |wanted: &Json, found: &Json| match (wanted, found) {
        // Of things with several aspects, those that are named count.
        (Json::Object(wanted), Json::Object(found)) => {
            wanted.iter().all(|(name, value)| found.get(name) == Some(value))
        }
        (wanted, found) => wanted == found,
    };
    let is_strict = comparison == Comparison::Strict;
    match wish.compared {
        Compared::Value => {
            let (wanted, found) = (normal(wish.option, &wish.value), normal(wish.option, found));
            let is_nothing = |value: &Json| {
                value.is_null()
                    || *value == json!("")
                    || *value == json!(false)
                    || *value == json!(0)
            };
            wanted == found || is_nothing(&wanted) && is_nothing(&found)
        }
        Compared::List => list(&wish.value) == list(found),
        Compared::Set => {
            let (wanted, found) = (list(&wish.value), list(found));
            let has_all = wanted.iter().all(|one| found.iter().any(|other| holds(one, other)));
            has_all
                && (!is_strict || found.iter().all(|one| wanted.iter().any(|it| holds(it, one))))
        }
        Compared::Dict => {
            let empty = JsonMap::new();
            let wanted = wish.value.as_object().unwrap_or(&empty);
            let found = found.as_object().unwrap_or(&empty);
            let has_all = wanted.iter().all(|(name, value)| found.get(name) == Some(value));
            has_all && (!is_strict || found.keys().all(|name| wanted.contains_key(name)))
        }
    }
}

/// Adds what a container has from its image, so that it is no more than what is wanted.
fn add_from_image(wish: &mut Wish, image: &Json) {
    if !matches!(wish.option, "env" | "labels" | "exposed_ports" | "volumes") {
        return;
    }
    match (&mut wish.value, at(at(image, &["Config"]), wish.place)) {
        (Json::Array(wanted), Json::Array(own)) => {
            let name = |line: &Json| -> Option<String> {
                line.as_str()?.split('=').next().map(str::to_owned)
            };
            let added: Vec<Json> = own
                .iter()
                .filter(|line| !wanted.iter().any(|other| name(other) == name(line)))
                .cloned()
                .collect();
            wanted.extend(added);
        }
        (Json::Object(wanted), Json::Object(own)) => {
            for (name, value) in own {
                wanted.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        _ => {}
    }
}

/// Where the engine tells what it is told at a place.
fn told_at<'a>(container: &'a Json, place: &[&str]) -> &'a Json {
    match place.first() {
        Some(&"HostConfig") => at(container, place),
        _ => at(at(container, &["Config"]), place),
    }
}

pub(super) fn put(body: &mut Json, place: &[&str], value: Json) {
    match place {
        [] => *body = value,
        [first, rest @ ..] => put(&mut body[*first], rest, value),
    }
}

impl DockerContainer {
    /// What is to be done with what was found.
    pub(super) fn work(&self, host: &dyn Host, found: &Found) -> Result<Work, Failure> {
        self.refuse_what_cannot_be()?;
        let mut work = Work::default();
        let container = found.container.as_ref();
        let is = |name: &str| {
            container.is_some_and(|one| at(one, &["State", name]).as_bool() == Some(true))
        };
        if self.state == State::Absent {
            work.removes = container.is_some();
            work.stops = is("Running");
            return Ok(work);
        }
        if let Some(image) = &self.image {
            let is_missing = found.image.is_none();
            if is_missing && is_image_id(image) {
                return Err(Failure::new(format!("Cannot find image with ID {image}")));
            }
            if is_missing && self.pull == json!("never") {
                let (repository, tag) = self.image_names().unwrap_or_default();
                return Err(Failure::new(format!(
                    "Cannot find image with name {repository}:{tag}, and pull=never"
                )));
            }
            work.pulls = is_missing || self.pulls_always() && !is_image_id(image);
        }
        let wishes = self.wishes(host)?;
        match container {
            None if self.image.is_none() => {
                return Err(Failure::new("Cannot create container when image is not specified!"));
            }
            None => work.creates = true,
            Some(container) => {
                let image = self.compared_image(host, container, found)?;
                self.compare(container, found, &image, &wishes, &mut work);
            }
        }
        if work.creates && container.is_some() {
            work.removes = true;
            work.stops = is("Running");
        }
        let is_new = work.creates;
        for (place, network) in self.networks.iter().flatten().enumerate() {
            let now = container.filter(|_| !is_new);
            let now = now.map(|one| at(one, &["NetworkSettings", "Networks", &network.name]));
            match now.filter(|now| !now.is_null()) {
                Some(now) if network.fits(now) => {}
                Some(_) => {
                    work.disconnects.push(network.name.clone());
                    work.connects.push(place);
                }
                // The first is there when it is made.
                None if is_new && place == 0 && self.options.network_mode.is_none() => {}
                None => work.connects.push(place),
            }
        }
        if let (Some(container), false) = (container, is_new)
            && let Some(networks) = &self.networks
            && self.comparison("networks", Compared::Set) == Comparison::Strict
        {
            let there = at(container, &["NetworkSettings", "Networks"]).as_object();
            let others = there.into_iter().flatten().map(|(name, _)| name);
            let others = others.filter(|name| !networks.iter().any(|one| one.name == **name));
            work.disconnects.extend(others.cloned());
        }
        let runs = is("Running") && !is_new;
        match self.state {
            State::Started | State::Healthy => {
                work.starts = !runs;
                work.restarts = runs && self.restart;
                let is_paused = is("Paused") && !is_new;
                work.pauses = self.paused.filter(|paused| *paused != is_paused);
            }
            State::Stopped => work.stops |= runs,
            _ => {}
        }
        Ok(work)
    }

    /// The image whose own settings a container has besides those of the task.
    fn compared_image(
        &self,
        host: &dyn Host,
        container: &Json,
        found: &Found,
    ) -> Result<Json, Failure> {
        if let Some(image) =
            found.image.as_ref().filter(|_| self.image_comparison != "current-image")
        {
            return Ok(image.clone());
        }
        let id = at(container, &["Image"]).as_str().unwrap_or_default();
        Ok(self.engine.find(host, &format!("/images/{}/json", escape(id)))?.unwrap_or_default())
    }

    fn compare(
        &self,
        container: &Json,
        found: &Found,
        image: &Json,
        wishes: &[Wish],
        work: &mut Work,
    ) {
        for wish in wishes {
            let comparison = self.comparison(wish.option, wish.compared);
            let mut wish = wish.clone();
            if comparison == Comparison::Strict {
                add_from_image(&mut wish, image);
            }
            let now = told_at(container, wish.place);
            if comparison == Comparison::Ignore || fits(&wish, now, comparison) {
                continue;
            }
            work.differences.push((wish.option.into(), wish.value.clone(), now.clone()));
            match (wish.is_update, wish.place.last()) {
                (true, Some(name)) => {
                    work.updates.insert((*name).to_owned(), wish.value.clone());
                }
                _ => work.creates = true,
            }
        }
        if self.comparison("image", Compared::Value) == Comparison::Strict {
            let id = found.image.as_ref().and_then(|image| image.get("Id"));
            let used = container.get("Image");
            if id.is_some() && id != used {
                work.differences.push(("image".into(), id.cloned().into(), used.cloned().into()));
                work.creates = true;
            }
            let name = at(container, &["Config", "Image"]).as_str();
            if self.image_name_mismatch == NameMismatch::Recreate
                && let Some(image) = self.image.as_deref()
                && Some(image) != name
            {
                work.differences.push(("image_name".into(), image.into(), name.into()));
                work.creates = true;
            }
        }
        work.creates |= self.recreate;
        if work.creates {
            work.updates.clear();
        }
    }
}
