//! Arguments of the program `ssh`, as `ansible_ssh_common_args` and its relatives have them, read
//! as options.

use std::path::PathBuf;

/// What arguments of `ssh` say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SshArguments {
    /// Keyword and value, in order.
    pub options: Vec<(String, String)>,
    /// File of `-F`; `none` is an empty path.
    pub config_file: Option<PathBuf>,
}

/// Letters without a value that cannot matter here.
const WITHOUT_MEANING: &str = "CqTtnvxakNfgy";

/// Reads arguments.
///
/// # Errors
/// Names what is not done here.
pub fn parse(text: &str) -> Result<SshArguments, String> {
    let words = split(text)?;
    let mut arguments = SshArguments::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-') else {
            return Err(format!("`{word}` among the SSH arguments is no option"));
        };
        let letters = letters.char_indices();
        for (at, letter) in letters {
            match letter {
                '4' => arguments.push("AddressFamily", "inet"),
                '6' => arguments.push("AddressFamily", "inet6"),
                'A' => arguments.push("ForwardAgent", "yes"),
                _ if WITHOUT_MEANING.contains(letter) => {}
                'o' | 'J' | 'i' | 'p' | 'l' | 'F' | 'b' | 'c' | 'm' | 'S' | 'E' | 'e' => {
                    let attached: String = word.chars().skip(at + 1 + letter.len_utf8()).collect();
                    let value = if attached.is_empty() { words.next() } else { Some(attached) };
                    let value = value.ok_or_else(|| format!("-{letter} needs a value"))?;
                    arguments.push_with_value(letter, value)?;
                    break;
                }
                _ => return Err(format!("-{letter} among the SSH arguments is not done here")),
            }
        }
    }
    Ok(arguments)
}

impl SshArguments {
    fn push(&mut self, keyword: &str, value: &str) {
        self.options.push((keyword.to_owned(), value.to_owned()));
    }

    fn push_with_value(&mut self, letter: char, value: String) -> Result<(), String> {
        match letter {
            'o' => {
                let split =
                    value.find(|character: char| character == '=' || character.is_whitespace());
                let (keyword, rest) =
                    value.split_at(split.ok_or_else(|| format!("-o {value} has no value"))?);
                let rest = rest.trim_start();
                let rest = rest.strip_prefix('=').unwrap_or(rest).trim();
                self.push(keyword.trim(), rest);
            }
            'J' => self.push("ProxyJump", &value),
            'i' => self.push("IdentityFile", &value),
            'p' => self.push("Port", &value),
            'l' => self.push("User", &value),
            'b' => self.push("BindAddress", &value),
            'c' => self.push("Ciphers", &value),
            'm' => self.push("MACs", &value),
            'F' if value == "none" => self.config_file = Some(PathBuf::new()),
            'F' => self.config_file = Some(PathBuf::from(value)),
            // A control path, a log and an escape character: without meaning here.
            _ => {}
        }
        Ok(())
    }
}

/// Splits a text into words as a POSIX shell does, without expanding anything.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(quoted) => word.push(quoted),
                        None => return Err("a quote is not closed in the SSH arguments".to_owned()),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('"') => break,
                        Some('\\') => match characters.next() {
                            Some(escaped @ ('"' | '\\' | '$' | '`')) => word.push(escaped),
                            Some(other) => word.extend(['\\', other]),
                            None => word.push('\\'),
                        },
                        Some(quoted) => word.push(quoted),
                        None => return Err("a quote is not closed in the SSH arguments".to_owned()),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(characters.next()),
            _ if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_options() {
        for (text, expect) in [
            ("-o StrictHostKeyChecking=no", "StrictHostKeyChecking=no"),
            ("-oStrictHostKeyChecking=no -C", "StrictHostKeyChecking=no"),
            ("-o 'ServerAliveInterval 30'", "ServerAliveInterval=30"),
            ("-o ProxyCommand=\"ssh -W %h:%p -q bastion\"", "ProxyCommand=ssh -W %h:%p -q bastion"),
            ("-J a@b:2,c -p 23 -l me", "ProxyJump=a@b:2,c Port=23 User=me"),
            (
                "-o ControlMaster=auto -o ControlPersist=60s",
                "ControlMaster=auto ControlPersist=60s",
            ),
            ("-tt -4", "AddressFamily=inet"),
            ("-i ~/.ssh/x -A", "IdentityFile=~/.ssh/x ForwardAgent=yes"),
            ("-vCp2222", "Port=2222"),
            ("", ""),
        ] {
            let options = parse(text).unwrap().options;
            let options: Vec<String> =
                options.iter().map(|(keyword, value)| format!("{keyword}={value}")).collect();
            assert_eq!(options.join(" "), expect, "{text}");
        }
        assert_eq!(parse("-F /x/y").unwrap().config_file, Some("/x/y".into()));
    }

    #[test]
    fn what_is_not_done_is_named() {
        for (text, expect) in [
            ("-W h:22", "-W among the SSH arguments is not done here"),
            ("-L 1:h:2", "-L among the SSH arguments is not done here"),
            ("host", "`host` among the SSH arguments is no option"),
            ("-o Port", "-o Port has no value"),
            ("-o", "-o needs a value"),
            ("-o 'x", "a quote is not closed in the SSH arguments"),
        ] {
            assert_eq!(parse(text).unwrap_err(), expect, "{text}");
        }
    }
}
