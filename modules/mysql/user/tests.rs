//! Accounts on a server in memory.

use module::{Mode, fake::FakeHost};
use serde_json::json;

use super::identity::native_hash;
use crate::{cases::run, fake_databases::put_mysql};

#[test]
fn users_are_kept() {
    let mut host = FakeHost::default();
    put_mysql(&mut host);
    for (args, changed) in [
        (json!({"name": "web", "password": "pw", "priv": "app.*:SELECT"}), true),
        (json!({"name": "web", "password": "pw", "priv": "app.*:SELECT"}), false),
        (json!({"name": "web", "password": "new"}), true),
        (json!({"name": "web", "password": "pw", "update_password": "on_create"}), false),
        (json!({"name": "web", "priv": "app.*:INSERT", "append_privs": true}), true),
        (json!({"name": "web", "priv": "app.*:SELECT,INSERT"}), false),
        (json!({"name": "web", "priv": "app.*:INSERT", "subtract_privs": true}), true),
        (json!({"name": "web", "state": "absent"}), true),
        (json!({"name": "web", "state": "absent"}), false),
    ] {
        let response =
            run("mysql_user", &args, "", "", Mode { check: false, diff: true }, &mut host);
        assert_eq!((response.failed, response.changed), (false, changed), "{args}: {response:?}");
        assert!(!format!("{response:?}").contains("'pw'"));
    }
    assert_eq!(native_hash("password"), "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
}

#[test]
fn what_is_no_user_is_refused() {
    for (args, words) in [
        (json!({"name": "a", "priv": "app.*"}), "invalid privileges string"),
        (
            json!({"name": "a", "resource_limits": {"x y": 1}}),
            "resource_limits: key 'x y' is unsupported",
        ),
        (json!({"name": "a", "password_expire": "interval"}), "needs password_expire_interval"),
        (json!({"name": "a", "salt": "x"}), "salt requires plugin_auth_string"),
        (json!({"name": "a", "salt": "x", "plugin_auth_string": "y"}), "20 characters"),
        (
            json!({"name": "a", "salt": "01234567890123456789", "plugin_auth_string": "y"}),
            "salt requires caching_sha2_password",
        ),
        (json!({"name": "a", "password": "x", "encrypted": true}), "valid hash"),
        (json!({"name": "a", "host_all": true}), "host_all parameter cannot be used"),
        (json!({"name": "a", "attributes": {"x": 1}}), "does not support user attributes"),
        (json!({"name": "a", "append_privs": true, "subtract_privs": true}), "mutually exclusive"),
    ] {
        let mut host = FakeHost::default();
        put_mysql(&mut host);
        let response = run("mysql_user", &args, "", "", Mode::default(), &mut host);
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(words), "{args}: {msg}");
    }
}
