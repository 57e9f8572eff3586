//! Becoming other users.

use super::*;

#[tokio::test]
async fn sudo_becomes_others() {
    if !available("sudo_becomes_others") {
        return;
    }
    use BecomeMethod::Sudo;
    for (user, become_, expect) in [
        ("op", become_(Sudo, "root", None), "root /root"),
        ("op", become_(Sudo, "web", None), "web /home/web"),
        // A password that is not needed does no harm.
        ("op", become_(Sudo, "root", Some("not asked for")), "root /root"),
        ("op", become_(Sudo, "service", None), "service /home/service"),
        ("careful", become_(Sudo, "root", Some("secret one")), "root /root"),
        ("strict", become_(Sudo, "web", Some("secret one")), "web /home/web"),
        ("terminal", become_(Sudo, "root", None), "root /root"),
        ("root", become_(Sudo, "web", None), "web /home/web"),
        ("careful", become_(Sudo, "root", None), "Missing sudo password"),
        ("careful", become_(Sudo, "root", Some("wrong")), "Incorrect sudo password"),
        ("nobody-special", become_(Sudo, "root", Some("secret two")), "not in the sudoers file"),
        ("strict", become_(Sudo, "root", Some("secret one")), "is not allowed to execute"),
        ("op", become_(Sudo, "no-such-user", None), "sudo knows no user no-such-user"),
    ] {
        let way = way(&format!("sudo-{user}-{}", become_.user), user);
        let connection = connect(&way).await;
        let outcome = who(&connection, Some(&become_)).await;
        let outcome = outcome.unwrap_or_else(|error| {
            assert!(!error.is_unreachable());
            error.chain()
        });
        assert!(outcome.contains(expect), "{user} {become_:?}: {outcome}");
        // The connection is as good as before.
        let output = connection.raw("id -un", None, b"", None).await.unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), user);
    }
}

#[tokio::test]
async fn su_becomes_others() {
    if !available("su_becomes_others") {
        return;
    }
    use BecomeMethod::Su;
    for (user, become_, expect) in [
        ("root", become_(Su, "web", None), "web /home/web"),
        ("op", become_(Su, "root", Some("secret root")), "root /root"),
        ("op", become_(Su, "web", Some("secret web")), "web /home/web"),
        ("op", become_(Su, "root", Some("wrong")), "Incorrect su password"),
        ("op", become_(Su, "root", None), "Missing su password"),
        ("root", become_(Su, "no-such-user", None), "su knows no user no-such-user"),
        ("root", become_(Su, "service", None), "account is currently not available"),
    ] {
        let way = way(&format!("su-{user}-{}", become_.user), user);
        let connection = connect(&way).await;
        let outcome = who(&connection, Some(&become_)).await;
        let outcome = outcome.unwrap_or_else(|error| error.chain());
        assert!(outcome.contains(expect), "{user} {become_:?}: {outcome}");
    }
}

#[tokio::test]
async fn doas_becomes_others() {
    if !available("doas_becomes_others") {
        return;
    }
    on_host(
        "apt-get -q update >/dev/null && apt-get -qy install opendoas >/dev/null
         printf 'permit nopass op\\npermit careful as root\\n' >/etc/doas.conf
         chmod 400 /etc/doas.conf",
    );
    use BecomeMethod::Doas;
    for (user, become_, expect) in [
        ("op", become_(Doas, "web", None), "web "),
        ("careful", become_(Doas, "root", Some("secret one")), "root "),
        ("careful", become_(Doas, "root", Some("wrong")), "Incorrect doas password"),
        ("careful", become_(Doas, "root", None), "Missing doas password"),
        ("web", become_(Doas, "root", None), "doas does not let this user become root"),
    ] {
        let way = way(&format!("doas-{user}-{}", become_.user), user);
        let connection = connect(&way).await;
        let outcome = who(&connection, Some(&become_)).await;
        let outcome = outcome.unwrap_or_else(|error| error.chain());
        assert!(outcome.starts_with(expect), "{user} {become_:?}: {outcome}");
    }
}

#[tokio::test]
async fn raw_commands_are_run_as_others() {
    if !available("raw_commands_are_run_as_others") {
        return;
    }
    let way = way("raw", "careful");
    let connection = connect(&way).await;
    let root = become_(BecomeMethod::Sudo, "root", Some("secret one"));
    let command = "id -un; cat; echo \"it's\" >&2; exit 3";
    let output = connection.raw(command, Some(&root), b"input\n", None).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "root\ninput\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "it's\n");
    assert_eq!(output.rc, 3);
    let wrong = become_(BecomeMethod::Sudo, "root", Some("wrong"));
    let error = connection.raw(command, Some(&wrong), b"", None).await.unwrap_err();
    assert_eq!(error.to_string(), "Incorrect sudo password");
}
