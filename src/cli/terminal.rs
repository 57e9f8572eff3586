//! The operator's terminal: questions, and keys while a task pauses.

use std::{
    fs::File,
    io::{self, BufRead, IsTerminal, Stdin, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use run::prompting::{Awaited, Held, Prompts, Reply};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr},
};

/// How long a wait for a key lasts before it is asked whether anyone still wants one.
const LOOK_MS: u64 = 200;

/// Bytes of an answer that are kept.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What Ctrl+C sends where it is no signal.
const INTERRUPT: u8 = 0x03;

/// Asks on the terminal.
pub struct Terminal {
    /// Whether what stands on an input that is no terminal is no answer, as in Ansible.
    pub asks_people_alone: bool,
}

impl Prompts for Terminal {
    fn line(&self, prompt: &str) -> Option<String> {
        let mut output = std::io::stdout();
        let _ = write!(output, "{prompt}");
        let _ = output.flush();
        typed_line()
    }

    fn hold(&self, given_up: Arc<AtomicBool>) -> Option<Box<dyn Held>> {
        let input = std::io::stdin();
        // A job in the background that reads would be stopped by its shell.
        let foreground = tcgetpgrp(&input).ok()?;
        if foreground != rustix::process::getpgrp() {
            return None;
        }
        let before = tcgetattr(&input).ok()?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        tcsetattr(&input, OptionalActions::Now, &modes).ok()?;
        Some(Box::new(Keys { input, before, given_up }))
    }

    fn ask(&self, prompt: &plan::Prompt, text: &str) -> Option<String> {
        if !std::io::stdin().is_terminal() {
            if self.asks_people_alone {
                eprintln!("[WARNING]: Not prompting as we are not in interactive mode");
                return None;
            }
            return typed_line();
        }
        loop {
            let first = self.once(prompt.private, &format!("{text}: "))?;
            if !prompt.confirm {
                return Some(first);
            }
            let second = self.once(prompt.private, &format!("confirm {text}: "))?;
            if first == second {
                return Some(first);
            }
            eprintln!("***** VALUES ENTERED DO NOT MATCH ****");
        }
    }
}

impl Terminal {
    fn once(&self, is_private: bool, text: &str) -> Option<String> {
        if is_private {
            return hidden(text).ok();
        }
        let mut terminal = std::io::stderr();
        let _ = write!(terminal, "{text}");
        let _ = terminal.flush();
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).ok()?;
        Some(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// A line that is typed on the terminal and not shown. The echo is off before anything is asked: who
/// answers by program may do so at once.
///
/// # Errors
/// There is no terminal.
pub(crate) fn hidden(text: &str) -> io::Result<String> {
    let _silence = Silence::begin();
    rpassword::prompt_password(text)
}

/// A terminal without echo, until this is dropped.
struct Silence {
    terminal: File,
    before: Termios,
}

impl Silence {
    fn begin() -> Option<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty").ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Now, &modes).ok()?;
        Some(Self { terminal, before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// A line of stdin; `None` at its end.
fn typed_line() -> Option<String> {
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(count) if count > 0 => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
        _ => None,
    }
}

/// The keyboard, key by key. The terminal is as it was before once this is dropped.
struct Keys {
    input: Stdin,
    before: Termios,
    given_up: Arc<AtomicBool>,
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.input, OptionalActions::Now, &self.before);
    }
}

impl Keys {
    /// The next key; `None` once the time is over, nobody waits any longer or nothing can come.
    fn next(&self, until: Option<Instant>) -> Option<u8> {
        loop {
            if self.given_up.load(Ordering::Relaxed) {
                return None;
            }
            let look = Duration::from_millis(LOOK_MS);
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let wait = left.map_or(look, |left| left.min(look));
            let wait = Timespec::try_from(wait).ok()?;
            let mut ready = [PollFd::new(&self.input, PollFlags::IN)];
            match poll(&mut ready, Some(&wait)) {
                Ok(0) if left == Some(Duration::ZERO) => return None,
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(_) => return None,
            }
            let mut key = [0_u8];
            return match rustix::io::read(&self.input, &mut key) {
                Ok(count) if count > 0 => Some(key[0]),
                _ => None,
            };
        }
    }
}

impl Held for Keys {
    fn wait(&mut self, awaited: Awaited, is_shown: bool, limit: Option<Duration>) -> Reply {
        let until = limit.map(|limit| Instant::now() + limit);
        let mut typed = Typed::default();
        loop {
            let Some(key) = self.next(until) else { return Reply::Nothing };
            match typed.take(key, awaited) {
                Step::Ended(reply) => return reply,
                Step::Goes(echo) if is_shown => {
                    let mut output = std::io::stdout();
                    let _ = output.write_all(echo.as_slice());
                    let _ = output.flush();
                }
                Step::Goes(_) => {}
            }
        }
    }
}

/// What a key does.
#[derive(Debug, PartialEq)]
enum Step {
    /// The wait is over.
    Ended(Reply),
    /// It goes on; these bytes show what was typed.
    Goes(Vec<u8>),
}

/// What has been typed so far.
#[derive(Default)]
struct Typed(Vec<u8>);

impl Typed {
    fn take(&mut self, key: u8, awaited: Awaited) -> Step {
        match (key, awaited) {
            (INTERRUPT, _) | (b'a' | b'A', Awaited::Choice) => Step::Ended(Reply::Interrupted),
            (b'c' | b'C', Awaited::Choice) | (b'\r' | b'\n', Awaited::Line) => {
                Step::Ended(Reply::Line(String::from_utf8_lossy(&self.0).into_owned()))
            }
            (b'\r' | b'\n', _) => Step::Goes(Vec::new()),
            (0x7f | 0x08, _) => {
                // A character of several bytes goes as a whole.
                while let Some(byte) = self.0.pop() {
                    if byte & 0xc0 != 0x80 {
                        return Step::Goes(b"\x08 \x08".to_vec());
                    }
                }
                Step::Goes(Vec::new())
            }
            _ if self.0.len() < ANSWER_BYTES_MAX => {
                self.0.push(key);
                Step::Goes(vec![key])
            }
            _ => Step::Goes(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of keys, and what of them is seen.
    fn press(keys: &[u8], awaited: Awaited) -> (Option<Reply>, String) {
        let (mut typed, mut seen) = (Typed::default(), Vec::new());
        for key in keys {
            match typed.take(*key, awaited) {
                Step::Ended(reply) => return (Some(reply), String::from_utf8(seen).unwrap()),
                Step::Goes(echo) => seen.extend(echo),
            }
        }
        (None, String::from_utf8(seen).unwrap())
    }

    #[test]
    fn keys_end_a_pause_by_what_it_awaits() {
        let line = |text: &str| Some(Reply::Line(text.to_owned()));
        let stop = Some(Reply::Interrupted);
        let cases: [(&[u8], Awaited, Option<Reply>, &str); 10] = [
            (b"hello\r", Awaited::Line, line("hello"), "hello"),
            (b"helo\x7flo\n", Awaited::Line, line("hello"), "helo\x08 \x08lo"),
            (
                "gr\u{fc}\u{df}\x7f\x7f\r".as_bytes(),
                Awaited::Line,
                line("gr"),
                "gr\u{fc}\u{df}\x08 \x08\x08 \x08",
            ),
            (b"\x7f\r", Awaited::Line, line(""), ""),
            (b"a\x03", Awaited::Line, stop.clone(), "a"),
            (b"c\rA\n", Awaited::Nothing, None, "cA"),
            (b"\n\x03", Awaited::Nothing, stop.clone(), ""),
            (b"xC", Awaited::Choice, line("x"), "x"),
            (b"\rA", Awaited::Choice, stop.clone(), ""),
            (b"\x03", Awaited::Choice, stop, ""),
        ];
        for (keys, awaited, reply, seen) in cases {
            assert_eq!(press(keys, awaited), (reply, seen.to_owned()), "{keys:?} {awaited:?}");
        }
    }

    #[test]
    fn an_answer_has_a_limit() {
        let keys = vec![b'x'; ANSWER_BYTES_MAX + 9];
        assert_eq!(press(&keys, Awaited::Line).1.len(), ANSWER_BYTES_MAX);
    }
}
