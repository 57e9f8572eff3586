//! Forms as browsers send them.

use std::{collections::BTreeMap, io::Read, path::Path};

use module::{
    Failure, Host, Source,
    content::{Algorithm, bytes_digest},
    host::READ_BYTES_MAX,
};
use protocol::{Json, python};

use crate::http::encode_form;

/// `a=1&b=2`: of a dict, a list of pairs, or a text that is one already.
///
/// # Errors
/// Other data.
pub fn encode(body: &Json) -> Result<String, Failure> {
    let mut pairs: Vec<(String, &Json)> = Vec::new();
    match body {
        Json::String(text) => return Ok(text.clone()),
        Json::Object(entries) => {
            pairs.extend(entries.iter().map(|(name, value)| (name.clone(), value)));
        }
        Json::Array(items) => {
            for item in items {
                match item.as_array().map(Vec::as_slice) {
                    Some([name, value]) => pairs.push((python::text(name), value)),
                    _ => return Err(no_form(item)),
                }
            }
        }
        other => return Err(no_form(other)),
    }
    let mut parts = Vec::new();
    for (name, value) in pairs {
        let values = match value {
            Json::Array(values) => values.iter().collect(),
            one => vec![one],
        };
        for value in values {
            parts.push(format!("{}={}", encode_form(&name), encode_form(&python::text(value))));
        }
    }
    Ok(parts.join("&"))
}

fn no_form(value: &Json) -> Failure {
    Failure::new(format!(
        "failed to parse body as form_urlencoded: it must be a dict or a list of pairs, got: {}",
        python::text(value)
    ))
}

/// A form of parts, some of which may be files, and its `Content-Type`. Files are those that the
/// controller sent, by field, or the host's where it sent none.
///
/// # Errors
/// What is no dict of texts and dicts, and files that cannot be read.
pub fn multipart(
    body: &Json,
    host: &dyn Host,
    sent: Option<&BTreeMap<String, Source>>,
) -> Result<(String, Vec<u8>), Failure> {
    let Json::Object(fields) = body else {
        return Err(Failure::new(format!(
            "failed to parse body as form-multipart: it must be a dict, got: {}",
            python::text(body)
        )));
    };
    let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, value) in fields {
        parts.push(part(name, value, host, sent)?);
    }
    // A boundary that is in no part, and the same for the same form.
    let all: Vec<u8> = parts.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
    let boundary = format!("trueup-{}", bytes_digest(Algorithm::Sha256, &all));
    let mut out = Vec::new();
    for (head, bytes) in parts {
        out.extend(format!("--{boundary}\r\n{head}\r\n\r\n").bytes());
        out.extend(bytes);
        out.extend(b"\r\n");
    }
    out.extend(format!("--{boundary}--\r\n").bytes());
    Ok((format!("multipart/form-data; boundary={boundary}"), out))
}

fn part(
    name: &str,
    value: &Json,
    host: &dyn Host,
    sent: Option<&BTreeMap<String, Source>>,
) -> Result<(String, Vec<u8>), Failure> {
    let quoted = |text: &str| text.replace('"', "%22").replace(['\r', '\n'], " ");
    let disposition = format!("Content-Disposition: form-data; name=\"{}\"", quoted(name));
    let Json::Object(field) = value else {
        let head = format!("Content-Type: text/plain; charset=\"utf-8\"\r\n{disposition}");
        return Ok((head, python::text(value).into_bytes()));
    };
    let text = |key: &str| field.get(key).and_then(Json::as_str);
    let bytes =
        match (field.get("content").filter(|content| !content.is_null()), text("filename"), sent) {
            (Some(content), ..) => python::text(content).into_bytes(),
            (None, Some(path), None) => host.read(Path::new(path))?.ok_or_else(|| {
                Failure::new(format!(
                    "Unable to open source file {path} of the form's field {name}"
                ))
            })?,
            (None, Some(path), Some(sent)) => {
                let source = sent.get(name).ok_or_else(|| {
                    Failure::new(format!(
                        "the controller did not send {path} of the form's field {name}"
                    ))
                })?;
                let mut bytes = Vec::new();
                host.blob(&source.digest)?.take(READ_BYTES_MAX).read_to_end(&mut bytes)?;
                bytes
            }
            (None, None, _) => {
                return Err(Failure::new(format!(
                    "the form's field {name} needs at least one of filename and content"
                )));
            }
        };
    let kind = text("mime_type").unwrap_or(if text("filename").is_some() {
        "application/octet-stream"
    } else {
        "text/plain"
    });
    let file = text("filename").map(|path| path.rsplit('/').next().unwrap_or(path));
    let file = file.map(|file| format!("; filename=\"{}\"", quoted(file))).unwrap_or_default();
    Ok((format!("Content-Type: {}\r\n{disposition}{file}", quoted(kind)), bytes))
}
