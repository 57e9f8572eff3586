//! Modules that take files of the controller to the host, or the other way.
//!
//! What the remote is told beyond the user's arguments stands in internal ones, whose names start
//! with `_`: `_source` (one file), `_files` (files by name) and `_manifest` (a tree). Small content travels inside the
//! request; the rest is asked for by its digest, where it differs.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use protocol::{Json, JsonMap, request::InlineFile};
use template::FileOptions;
use transport::NoFiles;

use super::{
    ActionContext,
    files::{INLINE_BYTES_MAX, Offered},
    output_encoding, tree,
};
use crate::TaskResult;

/// What changes files by a patch.
pub(crate) const PATCH: &str = "ansible.posix.patch";

/// What brings one file, or a folder, to a host.
pub(crate) const COPY: &str = "ansible.builtin.copy";

pub(crate) async fn run(context: &ActionContext<'_>, args: JsonMap) -> TaskResult {
    let name = &*context.task.action.name;
    let result = match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
        "copy" => copy(context, args).await,
        "template" => template(context, args).await,
        "script" => script(context, args).await,
        "unarchive" => unarchive(context, args).await,
        "assemble" => assemble(context, args).await,
        "fetch" => fetch(context, args).await,
        "uri" => uri(context, args).await,
        PATCH => patch(context, args).await,
        other => Err(format!("{other} is not there yet")),
    };
    result.unwrap_or_else(TaskResult::failure)
}

fn text<'a>(args: &'a JsonMap, name: &str) -> Option<&'a str> {
    args.get(name).and_then(Json::as_str)
}

fn flag(args: &JsonMap, name: &str, default: bool) -> bool {
    args.get(name).and_then(Json::as_bool).unwrap_or(default)
}

/// Finds a file of the controller as the task names it.
fn find(context: &ActionContext<'_>, kind: &str, name: &str) -> Result<PathBuf, String> {
    let surroundings = context.scope.surroundings();
    surroundings.find(kind, name).ok_or_else(|| {
        let tried: Vec<String> = surroundings
            .candidates(kind, name)
            .iter()
            .map(|path| format!("\t{}", path.display()))
            .collect();
        format!(
            "Could not find or access '{name}'\nSearched in:\n{} on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option",
            tried.join("\n")
        )
    })
}

/// What a request carries of one file: its `_source`, and the content where it is small.
pub(super) struct Carried {
    pub(super) source: Json,
    pub(super) inline: Option<InlineFile>,
}

pub(super) fn carry_bytes(
    offered: &Offered,
    bytes: Vec<u8>,
    name: &str,
    mode: Option<u32>,
    origin: &str,
) -> Carried {
    let size = bytes.len() as u64;
    let inline_bytes = (size <= INLINE_BYTES_MAX).then(|| bytes.clone());
    let digest = offered.bytes(bytes);
    let source = serde_json::json!({
        "digest": digest, "size": size, "name": name, "mode": mode, "origin": origin,
    });
    Carried { source, inline: inline_bytes.map(|bytes| InlineFile { digest, bytes }) }
}

pub(super) fn carry_file(
    context: &ActionContext<'_>,
    offered: &Offered,
    path: &Path,
    decrypts: bool,
) -> Result<Carried, String> {
    let wrong = |error: io::Error| format!("cannot read {}: {error}", path.display());
    let meta = fs::metadata(path).map_err(wrong)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mode = Some(meta.permissions().mode() & 0o7777);
    let origin = path.display().to_string();
    if meta.len() <= INLINE_BYTES_MAX || is_encrypted(path).map_err(wrong)? {
        let bytes = context.executor.context.includes.bytes(path, decrypts)?;
        return Ok(carry_bytes(offered, bytes, &name, mode, &origin));
    }
    let (digest, size) = offered.file(path).map_err(wrong)?;
    let source = serde_json::json!({
        "digest": digest, "size": size, "name": name, "mode": mode, "origin": origin,
    });
    Ok(Carried { source, inline: None })
}

fn is_encrypted(path: &Path) -> io::Result<bool> {
    use std::io::Read;
    let mut start = [0; 14];
    let count = fs::File::open(path)?.read(&mut start)?;
    Ok(start.get(..count) == Some(b"$ANSIBLE_VAULT".as_slice()))
}

async fn copy(context: &ActionContext<'_>, mut args: JsonMap) -> Result<TaskResult, String> {
    let has_content = args.get("content").is_some_and(|content| !content.is_null());
    let src = text(&args, "src").filter(|src| !src.is_empty()).map(str::to_owned);
    if src.is_none() && !has_content {
        return Err("src (or content) is required".into());
    }
    if has_content {
        if text(&args, "dest").is_some_and(|dest| dest.ends_with('/')) {
            return Err("can not use content with a dir as dest".into());
        }
        return Ok(context.call(COPY, args, &NoFiles, Vec::new(), None).await);
    }
    let Some(src) = src.filter(|_| !flag(&args, "remote_src", false)) else {
        return Ok(context.call(COPY, args, &NoFiles, Vec::new(), None).await);
    };
    let decrypts = flag(&args, "decrypt", true);
    let path = find(context, "files", &src)?;
    let offered = Offered::default();
    if path.is_dir() {
        let (manifest, inline) = manifest(context, &offered, &path, &src, &args, decrypts)?;
        args.insert("_manifest".into(), manifest);
        return Ok(context.call(COPY, args, &offered, inline, None).await);
    }
    let carried = carry_file(context, &offered, &path, decrypts)?;
    args.insert("_source".into(), carried.source);
    let inline = carried.inline.into_iter().collect();
    Ok(context.call(COPY, args, &offered, inline, None).await)
}

/// A folder as a list of what is in it. Without a `/` at its end, the folder itself is part of it.
fn manifest(
    context: &ActionContext<'_>,
    offered: &Offered,
    folder: &Path,
    src: &str,
    args: &JsonMap,
    decrypts: bool,
) -> Result<(Json, Vec<InlineFile>), String> {
    /// All small files of a folder together may be this large inside a request.
    const INLINE_TOTAL_BYTES_MAX: u64 = 1024 * 1024;
    let follows = flag(args, "local_follow", true);
    let prefix = if src.ends_with('/') {
        PathBuf::new()
    } else {
        PathBuf::from(folder.file_name().unwrap_or_default())
    };
    let mut items = Vec::new();
    let mut inline = Vec::new();
    let mut inline_bytes = 0;
    if !prefix.as_os_str().is_empty() {
        items.push(serde_json::json!({"path": prefix}));
    }
    let entries = tree::walk(folder, follows)
        .map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    for entry in entries {
        let path = prefix.join(&entry.below);
        let item = match entry.kind {
            tree::Kind::Folder => serde_json::json!({"path": path}),
            tree::Kind::Link(target) => serde_json::json!({"path": path, "target": target}),
            tree::Kind::File => {
                let carried = carry_file(context, offered, &entry.path, decrypts)?;
                if let Some(file) = carried.inline {
                    inline_bytes += file.bytes.len() as u64;
                    if inline_bytes <= INLINE_TOTAL_BYTES_MAX {
                        inline.push(file);
                    }
                }
                serde_json::json!({"path": path, "source": carried.source})
            }
        };
        items.push(item);
    }
    Ok((Json::Array(items), inline))
}

async fn template(context: &ActionContext<'_>, mut args: JsonMap) -> Result<TaskResult, String> {
    let Some(src) = text(&args, "src").map(str::to_owned) else {
        return Err("src and dest are required".into());
    };
    let path = find(context, "templates", &src)?;
    let file = context
        .executor
        .context
        .includes
        .text(&path)
        .map_err(|why| format!("cannot read {}: {why}", path.display()))?;
    let options = file_options(&args, &path)?;
    let name = path.display().to_string();
    let scope = context.scope.push(Arc::new(template::managed::variables(
        context.scope,
        &path,
        &src,
        text(&args, "dest"),
    )));
    let scope = with_template_folder(&scope, &path);
    let engine = &context.executor.context.store.engine;
    let rendered = match engine.render_file(&file.text, &options, &scope) {
        Ok(rendered) => rendered,
        Err(error) => {
            let mut result = TaskResult::failure(format!("{error}"));
            if error.is_undefined() {
                result = TaskResult::failure(format!("AnsibleUndefinedVariable: {error}"));
            }
            result.place = error.place().map(ToString::to_string).or(Some(name));
            result.hint = error.hint().map(str::to_owned);
            return Ok(result);
        }
    };
    let encoding = text(&args, "output_encoding").unwrap_or_default();
    let rendered = output_encoding::encode(encoding, rendered)?;
    for own in TEMPLATE_ARGUMENTS {
        args.remove(*own);
    }
    let offered = Offered::default();
    let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mode = fs::metadata(&path).ok().map(|meta| meta.permissions().mode() & 0o7777);
    let carried = carry_bytes(&offered, rendered, &file_name, mode, &name);
    args.insert("_source".into(), carried.source);
    args.insert("src".into(), Json::String(file_name));
    let inline = carried.inline.into_iter().collect();
    Ok(context.call(COPY, args, &offered, inline, None).await)
}

/// Arguments of `template` that `copy` does not have.
const TEMPLATE_ARGUMENTS: &[&str] = &[
    "block_end_string",
    "block_start_string",
    "comment_end_string",
    "comment_start_string",
    "lstrip_blocks",
    "newline_sequence",
    "output_encoding",
    "trim_blocks",
    "variable_end_string",
    "variable_start_string",
];

/// What the arguments of `template` say of how the file is read.
fn file_options(args: &JsonMap, path: &Path) -> Result<FileOptions, String> {
    let mut options = FileOptions::new(path);
    options.newline_sequence = match text(args, "newline_sequence") {
        None | Some("\n" | "\\n") => "\n".into(),
        Some("\r" | "\\r") => "\r".into(),
        Some("\r\n" | "\\r\\n") => "\r\n".into(),
        Some(other) => {
            return Err(format!(
                "newline_sequence needs to be one of: \\n, \\r or \\r\\n, got {other}"
            ));
        }
    };
    options.syntax.trim_blocks = flag(args, "trim_blocks", true);
    options.syntax.lstrip_blocks = flag(args, "lstrip_blocks", false);
    let syntax = &mut options.syntax;
    for (argument, slot) in [
        ("block_start_string", &mut syntax.block.0),
        ("block_end_string", &mut syntax.block.1),
        ("variable_start_string", &mut syntax.variable.0),
        ("variable_end_string", &mut syntax.variable.1),
        ("comment_start_string", &mut syntax.comment.0),
        ("comment_end_string", &mut syntax.comment.1),
    ] {
        if let Some(value) = text(args, argument) {
            value.clone_into(slot);
        }
    }
    Ok(options)
}

/// What a template includes is looked for beside it first.
fn with_template_folder(scope: &template::Scope, path: &Path) -> template::Scope {
    let mut surroundings = (**scope.surroundings()).clone();
    if let Some(folder) = path.parent() {
        surroundings.search_folders.insert(0, folder.to_owned());
    }
    scope.with_surroundings(std::sync::Arc::new(surroundings))
}

async fn script(context: &ActionContext<'_>, mut args: JsonMap) -> Result<TaskResult, String> {
    let line =
        text(&args, "_raw_params").or_else(|| text(&args, "cmd")).unwrap_or("").trim().to_owned();
    let words = inventory::ini::shell_words(&line).map_err(str::to_owned)?;
    let Some(name) = words.first() else {
        return Err("one of the following is required: _raw_params, cmd".into());
    };
    let path = find(context, "files", name)?;
    let offered = Offered::default();
    let carried = carry_file(context, &offered, &path, flag(&args, "decrypt", true))?;
    args.insert("_source".into(), carried.source);
    let inline = carried.inline.into_iter().collect();
    Ok(context.remote(args, &offered, inline).await)
}

async fn unarchive(context: &ActionContext<'_>, mut args: JsonMap) -> Result<TaskResult, String> {
    let src = text(&args, "src").unwrap_or("").to_owned();
    if flag(&args, "remote_src", false) || src.contains("://") {
        return Ok(context.remote(args, &NoFiles, Vec::new()).await);
    }
    let path = find(context, "files", &src)?;
    let offered = Offered::default();
    let carried = carry_file(context, &offered, &path, flag(&args, "decrypt", true))?;
    args.insert("_source".into(), carried.source);
    let inline = carried.inline.into_iter().collect();
    Ok(context.remote(args, &offered, inline).await)
}

/// Sends the patch with the request where it is the controller's.
async fn patch(context: &ActionContext<'_>, mut args: JsonMap) -> Result<TaskResult, String> {
    if flag(&args, "remote_src", false) {
        return Ok(context.remote(args, &NoFiles, Vec::new()).await);
    }
    let src = text(&args, "src").unwrap_or("").to_owned();
    let offered = Offered::default();
    let carried = carry_file(context, &offered, &find(context, "files", &src)?, true)?;
    args.insert("_source".into(), carried.source);
    let inline = carried.inline.into_iter().collect();
    Ok(context.remote(args, &offered, inline).await)
}

/// Sends `src`, and files of a form, with the request where they are the controller's.
async fn uri(context: &ActionContext<'_>, mut args: JsonMap) -> Result<TaskResult, String> {
    if context.settings.check {
        let name = &context.task.action.written;
        let mut result = TaskResult { skipped: true, ..TaskResult::default() };
        let msg = format!("This action ({name}) does not support check mode.");
        result.fields.insert("msg".into(), msg.into());
        return Ok(result);
    }
    if flag(&args, "remote_src", false) {
        return Ok(context.remote(args, &NoFiles, Vec::new()).await);
    }
    let offered = Offered::default();
    let mut inline = Vec::new();
    if let Some(src) = text(&args, "src") {
        let carried = carry_file(context, &offered, &find(context, "files", src)?, true)?;
        inline.extend(carried.inline);
        args.insert("_source".into(), carried.source);
    }
    if text(&args, "body_format") == Some("form-multipart")
        && let Some(Json::Object(fields)) = args.get("body")
    {
        let mut files = JsonMap::new();
        for (field, value) in fields {
            let is_given = value.get("content").is_some_and(|content| !content.is_null());
            let Some(name) = value.get("filename").and_then(Json::as_str) else { continue };
            if !is_given {
                let carried = carry_file(context, &offered, &find(context, "files", name)?, true)?;
                inline.extend(carried.inline);
                files.insert(field.clone(), carried.source);
            }
        }
        args.insert("_files".into(), Json::Object(files));
    }
    Ok(context.remote(args, &offered, inline).await)
}

async fn assemble(context: &ActionContext<'_>, mut args: JsonMap) -> Result<TaskResult, String> {
    if flag(&args, "remote_src", true) {
        return Ok(context.remote(args, &NoFiles, Vec::new()).await);
    }
    let Some(src) = text(&args, "src") else { return Err("src and dest are required".into()) };
    let folder = find(context, "files", src)?;
    if !folder.is_dir() {
        return Err(format!("Source ({}) is not a directory", folder.display()));
    }
    let pattern = match text(&args, "regexp") {
        Some(pattern) => Some(
            pyregex::Pattern::new(pattern, pyregex::Flags::default())
                .map_err(|error| format!("the regular expression {pattern} is broken: {error}"))?,
        ),
        None => None,
    };
    let skips_hidden = flag(&args, "ignore_hidden", false);
    let delimiter = text(&args, "delimiter").map(str::to_owned);
    let mut assembled: Vec<u8> = Vec::new();
    let mut is_first = true;
    let walk = walkdir::WalkDir::new(&folder).min_depth(1).max_depth(1).sort_by_file_name();
    for entry in walk.into_iter().filter_map(Result::ok).filter(|e| e.path().is_file()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let fits = pattern.as_ref().is_none_or(|p| matches!(p.search(&name), Ok(Some(_))));
        if !fits || (skips_hidden && name.starts_with('.')) {
            continue;
        }
        let decrypts = flag(&args, "decrypt", true);
        let bytes = context.executor.context.includes.bytes(entry.path(), decrypts)?;
        if !is_first {
            if assembled.last().is_some_and(|byte| *byte != b'\n') {
                assembled.push(b'\n');
            }
            if let Some(delimiter) = &delimiter {
                assembled.extend(delimiter.replace("\\n", "\n").bytes());
                if assembled.last().is_some_and(|byte| *byte != b'\n') {
                    assembled.push(b'\n');
                }
            }
        }
        is_first = false;
        assembled.extend(bytes);
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let offered = Offered::default();
    let origin = folder.display().to_string();
    let carried = carry_bytes(&offered, assembled, &name, None, &origin);
    for own in ["delimiter", "ignore_hidden", "regexp", "remote_src"] {
        args.remove(own);
    }
    args.insert("_source".into(), carried.source);
    let inline = carried.inline.into_iter().collect();
    let mut result = context.call(COPY, args, &offered, inline, None).await;
    result.lists_diffs = false;
    Ok(result)
}

async fn fetch(context: &ActionContext<'_>, args: JsonMap) -> Result<TaskResult, String> {
    for (name, option) in [("src", "source"), ("dest", "dest")] {
        let written = context.task.action.args.get(name);
        if let Some(Ok(template::Value::List(_))) = written.map(|tree| tree.evaluate(context.scope))
        {
            return Err(format!("Invalid type supplied for {option} option, it must be a string"));
        }
    }
    let (Some(src), Some(dest)) = (text(&args, "src"), text(&args, "dest")) else {
        return Err("src and dest are required".into());
    };
    if context.settings.check {
        let mut result = TaskResult { skipped: true, ..TaskResult::default() };
        result.fields.insert("msg".into(), "check mode not (yet) supported for this module".into());
        return Ok(result);
    }
    let dest = fetch_dest(context, src, dest, flag(&args, "flat", false))?;
    if dest.is_dir() {
        return Err(format!(
            "calculated dest '{}' is an existing directory, use another path that does not point to an existing directory",
            dest.display()
        ));
    }
    let mut request = args.clone();
    if let Ok((known, _)) = Offered::default().file(&dest) {
        request.insert("_known".into(), Json::String(known.0));
    }
    // Beside the target, so that a cut run leaves no half file under its name; made when the host
    // has something to send.
    let partial = dest.with_file_name(format!(
        ".{}.partial-{}",
        dest.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    ));
    let sink = Box::new(LateFile { path: partial.clone(), file: None });
    let name = "ansible.builtin.fetch";
    let mut result = context.call(name, request, &NoFiles, Vec::new(), Some(sink)).await;
    let is_sent = result.fields.remove("sent") == Some(Json::Bool(true));
    result.fields.remove("digest");
    if result.failed || result.unreachable || !result.fields.contains_key("checksum") {
        let _ = fs::remove_file(&partial);
        return Ok(result);
    }
    if is_sent {
        if !partial.exists() {
            // An empty file is sent without a single byte.
            LateFile { path: partial.clone(), file: None }
                .open()
                .map_err(|error| format!("cannot write {}: {error}", partial.display()))?;
        }
        fs::rename(&partial, &dest)
            .map_err(|error| format!("cannot write {}: {error}", dest.display()))?;
        result.changed = true;
        let checksum = result.fields.get("checksum").cloned().unwrap_or_default();
        result.fields.insert("remote_checksum".into(), checksum);
        result.fields.insert("remote_md5sum".into(), Json::Null);
        result.fields.remove("file");
    }
    result.fields.insert("dest".into(), Json::String(dest.display().to_string()));
    Ok(result)
}

/// A file that is made, with its folders, at the first byte.
struct LateFile {
    path: PathBuf,
    file: Option<fs::File>,
}

impl LateFile {
    fn open(&mut self) -> io::Result<&mut fs::File> {
        if self.file.is_none() {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            self.file = Some(fs::File::create(&self.path)?);
        }
        self.file.as_mut().ok_or_else(|| io::Error::other("the file was not made"))
    }
}

impl io::Write for LateFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), io::Write::flush)
    }
}

/// Where a file comes to lie: `DEST/HOST/PATH`, or, flat, `DEST` itself or `DEST/NAME`.
fn fetch_dest(
    context: &ActionContext<'_>,
    src: &str,
    dest: &str,
    flat: bool,
) -> Result<PathBuf, String> {
    let surroundings = context.scope.surroundings();
    let base = surroundings.expand_home(dest);
    let base = if base.is_absolute() { base } else { surroundings.playbook_folder.join(base) };
    let name = Path::new(src).file_name().ok_or("src names no file")?;
    if flat {
        if base.is_dir() && !dest.ends_with('/') {
            return Err("dest is an existing directory, use a trailing slash if you want to fetch src into that directory".into());
        }
        return Ok(if dest.ends_with('/') { base.join(name) } else { base });
    }
    let host =
        context.settings.delegate_to.clone().unwrap_or_else(|| context.host.as_str().to_owned());
    // No part of a host's path may lead out of the folder.
    let inside: PathBuf = Path::new(src)
        .components()
        .filter(|part| matches!(part, std::path::Component::Normal(_)))
        .collect();
    Ok(base.join(host).join(inside))
}
