//! The `docker_image_build` module of the collection `community.docker`.

use std::{io::Read, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Program, Returned,
};
use protocol::{Json, JsonMap, Response, spec::Support};

use super::{
    command_line::{CommandLine, Version, refused},
    is_image_id, joined, repository_and_tag,
    words::Words,
};

/// Builds an image with BuildKit.
#[derive(Debug, Arguments)]
pub struct DockerImageBuild {
    /// The image; it may have a tag.
    name: String,
    /// Its tag.
    #[argument(default = "latest")]
    tag: String,
    /// The folder that it is built from.
    path: PathBuf,
    /// The file of orders in that folder.
    dockerfile: Option<String>,
    /// Images whose layers are taken where they fit.
    cache_from: Option<Vec<String>>,
    /// Whether the image that it is built on is asked for again.
    #[argument(default = false)]
    pull: bool,
    /// The network while it is built.
    network: Option<String>,
    /// Whether no old layer is taken.
    #[argument(default = false)]
    nocache: bool,
    /// Names of hosts with their addresses.
    etc_hosts: Option<JsonMap>,
    /// Arguments of the build.
    args: Option<JsonMap>,
    /// The stage that is built.
    target: Option<String>,
    /// Systems and machines: `linux/arm64`.
    platform: Option<Vec<String>>,
    /// Size of the shared memory: `64M`.
    shm_size: Option<String>,
    /// Labels of the image.
    labels: Option<JsonMap>,
    /// Whether an image that is there is built again.
    #[argument(default = "never")]
    rebuild: Rebuild,
    /// What the build may see and the image does not keep.
    secrets: Option<Vec<Secret>>,
    /// What is made of the build besides the image.
    outputs: Option<Vec<Output>>,
    #[argument(flatten)]
    client: CommandLine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Rebuild {
    Never,
    Always,
}

/// What the build may see.
#[derive(Debug, Arguments)]
#[arguments(
    required_if(("type", "file", ["src"]), ("type", "env", ["env"]), ("type", "value", ["value"])),
    mutually_exclusive(["src", "env", "value"])
)]
struct Secret {
    /// Its name in the build.
    id: String,
    /// Where it is.
    #[argument(name = "type", choices("file", "env", "value"))]
    kind: String,
    /// The file.
    src: Option<PathBuf>,
    /// The variable of the environment.
    env: Option<String>,
    /// The text; the program finds it in its environment.
    #[argument(no_log)]
    value: Option<String>,
}

/// What is made of the build.
#[derive(Debug, Arguments)]
#[arguments(
    required_if(("type", "local", ["dest"]), ("type", "tar", ["dest"]), ("type", "oci", ["dest"])),
    mutually_exclusive(["dest", "name"], ["context", "name"])
)]
struct Output {
    /// A folder, an archive, or the image itself.
    #[argument(name = "type", choices("local", "tar", "oci", "docker", "image"))]
    kind: String,
    /// The folder or the archive.
    dest: Option<PathBuf>,
    /// The context of the program that takes the image.
    context: Option<String>,
    /// Names of the image.
    name: Option<Vec<String>>,
    /// Whether it is pushed.
    #[argument(default = false)]
    push: bool,
}

impl Documented for DockerImageBuild {
    const NAME: &'static str = "community.docker.docker_image_build";
    const ALIASES: &'static [&'static str] = &["docker_image_build"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "An image of a folder",
        args: r#"{"name": "app", "tag": "v1", "path": "/srv"}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("image", "What the engine knows of it.", "success", r#"{"Id": "sha256:0"}"#),
        Returned::new("command", "What was run.", "where it is built", r#"["buildx", "build"]"#),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// A field of a list with commas, as the program reads it.
fn field(text: String) -> String {
    match text.contains(['"', ',', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// `512M` in bytes.
///
/// # Errors
/// What is no size.
pub fn bytes(text: &str) -> Result<u64, Failure> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let power = match unit.trim().to_lowercase().trim_end_matches('b') {
        "" => 0,
        "k" | "ki" => 1,
        "m" | "mi" => 2,
        "g" | "gi" => 3,
        "t" | "ti" => 4,
        _ => return Err(Failure::new(format!("Failed to convert shm_size \"{text}\" to bytes"))),
    };
    match number.parse::<f64>() {
        Ok(number) => Ok((number * 1024_f64.powi(power)) as u64),
        Err(_) => Err(Failure::new(format!("Failed to convert shm_size \"{text}\" to bytes"))),
    }
}

impl DockerImageBuild {
    fn names(&self) -> Result<String, Failure> {
        if is_image_id(&self.name) {
            return Err(Failure::new("Image name must not be a digest"));
        }
        let (name, tag) = repository_and_tag(&self.name);
        let tag = tag.unwrap_or_else(|| self.tag.clone());
        if is_image_id(&tag) || tag.starts_with("sha256:") {
            return Err(Failure::new("Image name must not contain a digest, but have a tag"));
        }
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        if !tag.chars().all(is_plain) || tag.starts_with(['.', '-']) || tag.len() > 128 {
            return Err(Failure::new(format!("\"{tag}\" is not a valid docker tag")));
        }
        Ok(joined(&name, &tag))
    }

    fn refuse_what_cannot_be(&self, host: &dyn Host) -> Result<(), Failure> {
        let version = self.client.plugin(host, "buildx")?;
        if !host.metadata(&self.path)?.is_some_and(|found| found.is_dir()) {
            let path = self.path.display();
            return Err(Failure::new(format!("\"{path}\" is not an existing directory")));
        }
        if let Some(file) = &self.dockerfile {
            let path = self.path.join(file);
            if !host.metadata(&path)?.is_some_and(|found| found.is_file()) {
                return Err(Failure::new(format!(
                    "\"{}\" is not an existing file",
                    path.display()
                )));
            }
        }
        let needs = |version: Version, what: &str| {
            Failure::new(format!(
                "The Docker buildx plugin is older than {}.{}.0, which is needed for {what}",
                version.0, version.1
            ))
        };
        let is_hidden = |secret: &Secret| secret.kind != "file";
        if self.secrets.iter().flatten().any(is_hidden) && version < Version(0, 6, 0) {
            return Err(needs(Version(0, 6, 0), "secrets of type=env and type=value"));
        }
        if self.all_outputs()?.len() > 1 && version < Version(0, 13, 0) {
            return Err(needs(Version(0, 13, 0), "more than one output"));
        }
        Ok(())
    }

    /// What `--output` says, one each; the image itself is always among them.
    fn all_outputs(&self) -> Result<Vec<String>, Failure> {
        let Some(outputs) = &self.outputs else { return Ok(Vec::new()) };
        let own = self.names()?;
        let (mut all, mut has_own) = (Vec::new(), false);
        for output in outputs {
            let mut fields = vec![format!("type={}", output.kind)];
            if output.kind == "image" {
                let names = output.name.clone().unwrap_or_else(|| vec![own.clone()]);
                has_own |= names.contains(&own);
                fields.push(format!("name={}", names.join(",")));
            }
            let dest = output.dest.as_ref().map(|path| format!("dest={}", path.display()));
            fields.extend(dest);
            fields.extend(output.context.as_ref().map(|context| format!("context={context}")));
            if output.push {
                fields.push("push=true".into());
            }
            all.push(fields.into_iter().map(field).collect::<Vec<_>>().join(","));
        }
        if !has_own {
            all.push(format!("type=image,{}", field(format!("name={own}"))));
        }
        Ok(all)
    }

    fn program(&self, host: &dyn Host) -> Result<Program, Failure> {
        let mut words = Words::new(["buildx", "build", "--progress", "plain"]);
        let outputs = self.all_outputs()?;
        words.add("--tag", if outputs.is_empty() { vec![self.names()?] } else { Vec::new() });
        words.add(
            "--file",
            self.dockerfile.as_ref().map(|file| self.path.join(file).display().to_string()),
        );
        words.add("--cache-from", self.cache_from.clone().unwrap_or_default());
        words.add("--network", self.network.clone());
        words.add_pairs("--add-host", self.etc_hosts.as_ref(), ":");
        words.add_pairs("--build-arg", self.args.as_ref(), "=");
        words.add("--target", self.target.clone());
        words.add("--platform", self.platform.clone().unwrap_or_default());
        let size = self.shm_size.as_deref().map(bytes).transpose()?;
        words.add("--shm-size", size.map(|size| size.to_string()));
        words.add_pairs("--label", self.labels.as_ref(), "=");
        let mut hidden = Vec::new();
        for (number, secret) in self.secrets.iter().flatten().enumerate() {
            let id = &secret.id;
            let text = match (&secret.src, &secret.env, &secret.value) {
                (Some(src), ..) => format!("id={id},type=file,src={}", src.display()),
                (_, Some(env), _) => format!("id={id},type=env,env={env}"),
                (.., value) => {
                    // Nothing of the build can know the name by chance.
                    let mut noise = [0; 12];
                    if let Some(mut file) = host.open("/dev/urandom".as_ref())? {
                        file.read_exact(&mut noise)?;
                    }
                    let noise = URL_SAFE_NO_PAD.encode(noise).replace('-', "_");
                    let name = format!("TRUEUP_SECRET_{noise}_{number}");
                    hidden.push((name.clone(), value.clone().unwrap_or_default()));
                    format!("id={id},type=env,env={name}")
                }
            };
            words.add("--secret", [text]);
        }
        words.add("--output", outputs);
        words.add_flag(self.pull, "--pull");
        words.add_flag(self.nocache, "--no-cache");
        let words = words.on(&self.path);
        let mut program = self.client.program(words)?;
        program.environment.extend(hidden);
        Ok(program)
    }

    fn answer(image: Option<Json>, changed: bool) -> Response {
        let image = image.unwrap_or_else(|| Json::Object(JsonMap::new()));
        let returned = JsonMap::from_iter([
            ("image".to_owned(), image),
            ("actions".to_owned(), Json::Array(Vec::new())),
        ]);
        Response { changed, returned, ..Response::default() }
    }
}

impl Action for DockerImageBuild {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        self.refuse_what_cannot_be(host)?;
        let found = self.client.image(host, &self.names()?)?;
        Ok(match found {
            Some(image) if self.rebuild == Rebuild::Never => {
                Guard::Stay(Box::new(Self::answer(Some(image), false)))
            }
            _ => Guard::Go,
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        self.program(host)?;
        Ok(Self::answer(self.client.image(host, &self.names()?)?, true))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let program = self.program(host)?;
        let output = host.execute(&program)?;
        let name = self.names()?;
        if !output.is_success() {
            let failure = refused(&program, &output);
            return Err(Failure { msg: format!("Building {name} failed"), ..failure });
        }
        let mut response = Self::answer(self.client.image(host, &name)?, true);
        response.returned.insert("stdout".into(), output.stdout_text().into());
        response.returned.insert("stderr".into(), output.stderr_text().into());
        response.returned.insert("command".into(), program.args.into());
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;
    use serde_json::json;

    use super::*;
    use crate::{cases::run, docker::fake_compose};

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        fake_compose::put(&mut host, "2.30.0");
        host.put("/srv/Dockerfile", "FROM scratch\n");
        host.put("/dev/urandom", [7; 64]);
        host.put_dirs("/empty");
        host
    }

    #[test]
    fn images_are_built() {
        let mut host = host();
        let args = json!({
            "path": "/srv", "tag": "v1", "dockerfile": "Dockerfile", "args": {"a": true, "b": 1},
            "etc_hosts": {"h": "::1"}, "labels": {"l": "x"}, "shm_size": "64M", "pull": true,
            "platform": ["linux/arm64"], "target": "t", "nocache": true, "network": "host",
            "cache_from": ["old"],
            "secrets": [
                {"id": "s", "type": "value", "value": "hidden"},
                {"id": "f", "type": "file", "src": "/f"},
                {"id": "e", "type": "env", "env": "E"},
            ],
        });
        for (check, changed) in [(true, true), (false, true), (false, false), (true, false)] {
            let mode = Mode { check, diff: false };
            let done = run("docker_image_build", &args, "name", "app", mode, &mut host);
            assert_eq!((done.failed, done.changed), (false, changed), "{done:?}");
        }
        let line = host.files.text("/run/images/app:v1").unwrap();
        assert_eq!(
            line,
            "buildx build --progress plain --tag app:v1 --file /srv/Dockerfile --cache-from old \
             --network host --add-host h:::1 --build-arg a=true --build-arg b=1 --target t \
             --platform linux/arm64 --shm-size 67108864 --label l=x \
             --secret id=s,type=env,env=TRUEUP_SECRET_BwcHBwcHBwcHBwcH_0 --secret id=f,type=file,src=/f \
             --secret id=e,type=env,env=E --pull --no-cache -- /srv"
        );
        let args = json!({"path": "/srv", "rebuild": "always", "outputs": [{"type": "tar", "dest": "/a,b"}]});
        let done = run("docker_image_build", &args, "name", "app", Mode::default(), &mut host);
        assert!(done.changed && !done.failed, "{done:?}");
        let words = done.returned["command"].to_string();
        assert!(
            words.contains(r#""type=tar,\"dest=/a,b\"","--output","type=image,name=app:latest""#),
            "{words}"
        );
    }

    #[test]
    fn what_cannot_be_built_is_refused() {
        for (args, words) in [
            (json!({"path": "/none"}), "\"/none\" is not an existing directory"),
            (json!({"path": "/srv", "dockerfile": "x"}), "\"/srv/x\" is not an existing file"),
            (json!({"path": "/srv", "tag": "a b"}), "is not a valid docker tag"),
            (json!({"path": "/srv", "name": "app@sha256:0"}), "must not contain a digest"),
            (json!({"path": "/srv", "shm_size": "5x"}), "Failed to convert shm_size"),
            (json!({"path": "/empty"}), "Building app:latest failed"),
            (json!({"path": "/srv", "secrets": [{"id": "s", "type": "env"}]}), "env"),
            (json!({"path": "/srv", "docker_host": "x", "cli_context": "y"}), "mutually exclusive"),
            (json!({}), "missing required arguments: path"),
        ] {
            let mut args = args.clone();
            if args.get("name").is_none() {
                args["name"] = json!("app");
            }
            let msg = run("docker_image_build", &args, "", "", Mode::default(), &mut host()).msg;
            assert!(msg.as_deref().unwrap_or_default().contains(words), "{args}: {msg:?}");
        }
    }
}
