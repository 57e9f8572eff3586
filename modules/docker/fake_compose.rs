//! Docker's command line in memory, for tests: one service `web`, whose state is a file.

use module::{
    Output,
    fake::{FakeHost, Files},
};

/// `docker`, with a Compose of that version.
pub fn put(host: &mut FakeHost, version: &str) {
    let version = version.to_owned();
    host.program("docker", move |files: &mut Files, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        let has = |word: &str| words.contains(&word);
        let is_json = has("json") && has("--progress");
        let event = |id: &str, status: &str| match is_json {
            true => format!("{{\"id\":\"{id}\",\"text\":\"{status}\"}}\n"),
            false => format!(" {id}  {status}\n"),
        };
        match words.as_slice() {
            ["compose", "version"] => {
                return Output::success(format!("Docker Compose version v{version}\n"));
            }
            ["buildx", "version"] => {
                return Output::success("github.com/docker/buildx v0.13.1 0\n");
            }
            ["image", "inspect", name] => {
                return match files.text(&format!("/run/images/{}", name.replace('/', "+"))) {
                    Some(id) => Output::success(serde_json::json!([{"Id": id}]).to_string()),
                    None => Output::failure(1, format!("Error: No such image: {name}")),
                };
            }
            ["buildx", "build", .., folder] => {
                let at = words.iter().position(|word| *word == "--tag");
                if files.text(&format!("{folder}/Dockerfile")).is_none() {
                    return Output::failure(1, "ERROR: failed to read dockerfile");
                }
                let name = at.and_then(|at| words.get(at + 1)).copied().unwrap_or("app:latest");
                files.put(&format!("/run/images/{}", name.replace('/', "+")), words.join(" "));
                return Output::success("");
            }
            _ => {}
        }
        if has("ghost") {
            return Output::failure(1, "no such service: ghost\n");
        }
        let now = files.text("/run/web").unwrap_or_default();
        if has("ps") {
            let one = format!(
                "{{\"Name\":\"web-1\",\"State\":\"{now}\",\"Labels\":\"a=b,c\",\"Publishers\":null}}\n"
            );
            return Output::success(if now.is_empty() { String::new() } else { one });
        }
        if has("images") {
            return Output::success("[{\"Repository\":\"web\"}]");
        }
        let set = |files: &mut Files, state: &str| {
            if !has("--dry-run") {
                files.put("/run/web", state);
            }
        };
        let mut said = String::new();
        if has("up") {
            let is_new = now.is_empty() || has("--force-recreate");
            if is_new {
                said += &event("Container web-1", "Creating");
                said += &event("Container web-1", "Created");
                set(files, "created");
            }
            if !has("--no-start") && (now != "running" || is_new) {
                said += &event("Container web-1", "Starting");
                set(files, "running");
            } else {
                said += &event("Container web-1", "Running");
            }
        } else if has("stop") {
            said += &event("Container web-1", "Stopping");
            set(files, "exited");
        } else if has("restart") {
            said += &event("Container web-1", "Restarting");
        } else if has("down") && !now.is_empty() {
            said += &event("Container web-1", "Removing");
            set(files, "");
        } else if has("pull") {
            let is_there = files.text("/run/pulled").is_some();
            if !(has("missing") && is_there) {
                said += &event("web", "Pulling");
            }
            if !is_there && !has("--dry-run") {
                said += &event("0123456789ab", "Downloading");
                files.put("/run/pulled", "");
            }
        }
        Output { stderr: said.into_bytes(), ..Output::default() }
    });
}
