//! The host's own public keys.

use protocol::JsonMap;

use super::Reader;

/// `ssh_host_key_ALGORITHM_public` and `ssh_host_key_ALGORITHM_public_keytype`.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let mut facts = JsonMap::new();
    for algorithm in ["dsa", "rsa", "ecdsa", "ed25519"] {
        let found = ["/etc/ssh", "/etc/openssh", "/etc"]
            .iter()
            .find_map(|folder| reader.trimmed(format!("{folder}/ssh_host_{algorithm}_key.pub")));
        let Some(line) = found else { continue };
        let mut words = line.split_whitespace();
        if let (Some(kind), Some(key)) = (words.next(), words.next()) {
            facts.insert(format!("ssh_host_key_{algorithm}_public"), key.into());
            facts.insert(format!("ssh_host_key_{algorithm}_public_keytype"), kind.into());
        }
    }
    facts
}
