//! One request over one connection, up to the head of its answer.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::SocketAddr,
};

use module::{
    Failure,
    failure::chain,
    host::{Address, Connection},
};

use super::{Client, Outgoing, Url, find_header, names, proxy, tls};

/// The bytes of the head of an answer at most.
const HEAD_BYTES_MAX: u64 = 256 * 1024;
const COPY_BYTES: usize = 64 * 1024;

/// What comes before the body of an answer.
pub struct Head {
    pub status: u16,
    pub reason: String,
    pub headers: Vec<(String, String)>,
}

/// Sends a request and reads the head of the answer; the rest of it is left in the stream.
///
/// # Errors
/// A server that cannot be reached, is not trusted, or does not speak HTTP.
pub fn exchange(
    client: &Client<'_>,
    url: &Url,
    method: &str,
    headers: &[(String, String)],
    body: Option<&Outgoing>,
) -> Result<(Head, BufReader<Box<dyn Read>>), Failure> {
    let failed = |why: io::Error| {
        Failure::new(format!("Request failed: {}: {}", url.authority(), chain(&why)))
    };
    let proxy = match &client.unix_socket {
        None if client.arguments.use_proxy => proxy::find(client.host, url)?,
        _ => None,
    };
    let mut stream = match (&client.unix_socket, &proxy) {
        (Some(path), _) => dial(client, &Address::Unix(path.clone()))?,
        (None, Some(proxy)) => connect(client, &proxy.host, proxy.port)?,
        (None, None) => connect(client, &url.host, url.port)?,
    };
    if url.is_tls {
        if let Some(proxy) = &proxy {
            stream = tunnel(stream, proxy, url).map_err(failed)?;
        }
        stream = tls::secure(client, &url.host, stream)?;
    }
    // A proxy is told the whole URL, but for what it only passes on.
    let is_proxied = proxy.is_some() && !url.is_tls;
    let target = if is_proxied { url.text() } else { url.target.clone() };
    // A task may ask one of several sites at an address.
    let host = find_header(headers, "host").unwrap_or_else(|| url.authority());
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n");
    let mut put = |name: &str, value: &str| {
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    };
    for (name, value) in headers.iter().filter(|(name, _)| !is_own(name)) {
        put(name, value);
    }
    if let (true, Some(word)) = (is_proxied, proxy.as_ref().and_then(proxy::authorization)) {
        put("Proxy-Authorization", &word);
    }
    let mut content = match body {
        Some(body) => {
            let (size, content) = body.open(client.host)?;
            put("Content-Length", &size.to_string());
            Some(content)
        }
        None => {
            if matches!(method, "POST" | "PUT" | "PATCH") {
                put("Content-Length", "0");
            }
            None
        }
    };
    put("Connection", "close");
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).map_err(failed)?;
    if let Some(content) = &mut content {
        send_body(&mut *stream, content).map_err(failed)?;
    }
    stream.flush().map_err(failed)?;
    let stream: Box<dyn Read> = Box::new(Lenient(stream));
    let mut stream = BufReader::new(stream);
    loop {
        let head = read_head(&mut stream).map_err(failed)?;
        // Servers may announce an answer before they give it.
        if head.status >= 200 || head.status == 101 {
            return Ok((head, stream));
        }
    }
}

/// Headers that say how this client works and are not the task's, and the one that stands first.
fn is_own(name: &str) -> bool {
    ["connection", "content-length", "host", "transfer-encoding"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own))
}

fn dial(client: &Client<'_>, address: &Address) -> Result<Box<dyn Connection>, Failure> {
    let connected = client.host.dial(address, client.timeout);
    connected.map_err(|why| Failure::new(format!("Request failed: {}", chain(&why))))
}

/// Connects to the first address of a name that answers.
fn connect(client: &Client<'_>, host: &str, port: u16) -> Result<Box<dyn Connection>, Failure> {
    let mut last = None;
    for address in names::look_up(client.host, host)? {
        match dial(client, &Address::Tcp(SocketAddr::new(address, port))) {
            Ok(stream) => return Ok(stream),
            Err(why) => last = Some(why),
        }
    }
    Err(last.unwrap_or_else(|| Failure::new(format!("Request failed: {host} has no address"))))
}

/// Has a proxy pass everything on to the server.
fn tunnel(
    mut stream: Box<dyn Connection>,
    proxy: &Url,
    url: &Url,
) -> io::Result<Box<dyn Connection>> {
    let host = if url.host.contains(':') { format!("[{}]", url.host) } else { url.host.clone() };
    let place = format!("{host}:{}", url.port);
    let word = proxy::authorization(proxy);
    let word = word.map(|word| format!("Proxy-Authorization: {word}\r\n")).unwrap_or_default();
    stream
        .write_all(format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{word}\r\n").as_bytes())?;
    stream.flush()?;
    // Read byte by byte: what follows the head is the server's.
    let mut reader = BufReader::with_capacity(1, stream);
    let head = read_head(&mut reader)?;
    if !(200..300).contains(&head.status) {
        let why = format!("the proxy {} said {} {}", proxy.authority(), head.status, head.reason);
        return Err(io::Error::other(why));
    }
    Ok(reader.into_inner())
}

fn send_body(stream: &mut dyn Write, content: &mut dyn Read) -> io::Result<()> {
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => stream.write_all(buffer.get(..count).unwrap_or_default())?,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
}

fn read_head(stream: &mut impl BufRead) -> io::Result<Head> {
    let broken = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let mut left = HEAD_BYTES_MAX;
    let mut next = |stream: &mut dyn BufRead| -> io::Result<String> {
        let mut line = Vec::new();
        let count = stream.take(left).read_until(b'\n', &mut line)?;
        left = left.saturating_sub(count as u64);
        if line.last() != Some(&b'\n') {
            let why = if left == 0 {
                "the head of the answer is too long"
            } else {
                "the server said nothing"
            };
            return Err(broken(why));
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    };
    let line = next(stream)?;
    let mut words = line.splitn(3, ' ');
    let is_http = words.next().is_some_and(|version| version.starts_with("HTTP/"));
    let status = words.next().and_then(|status| status.parse().ok()).filter(|_| is_http);
    let status = status.ok_or_else(|| broken("the answer is no HTTP"))?;
    let reason = words.next().unwrap_or_default().to_owned();
    let mut headers: Vec<(String, String)> = Vec::new();
    loop {
        let line = next(stream)?;
        if line.is_empty() {
            return Ok(Head { status, reason, headers });
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().into(), value.trim().into()));
        }
    }
}

/// A connection whose other side may leave without a word, as many servers do at the end.
struct Lenient(Box<dyn Connection>);

impl Read for Lenient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            other => other,
        }
    }
}
