//! Whom hosts and clients trust, and the ways to hosts behind others.

use super::*;

#[tokio::test]
async fn host_keys_are_checked() {
    let other = keys::generate().unwrap();
    let other = keys::public_line(&other).unwrap();
    for (policy, known, expect) in [
        (HostKeyPolicy::Strict, None, "is not known"),
        (HostKeyPolicy::Strict, Some("other"), "known_hosts line 1: the host was installed anew"),
        (
            HostKeyPolicy::AcceptNew,
            Some("other"),
            "known_hosts line 1: the host was installed anew",
        ),
        (HostKeyPolicy::AcceptNew, None, ""),
        (HostKeyPolicy::Off, Some("other"), ""),
        (HostKeyPolicy::Off, None, ""),
    ] {
        let mut bench = bench(&|_, target, _| target.host_key_policy = Some(policy)).await;
        let file = bench.folder.join("known_hosts");
        let port = bench.server.address().port();
        match known {
            None => fs::remove_file(&file).unwrap(),
            Some(_) => fs::write(&file, format!("[127.0.0.1]:{port} {other}\n")).unwrap(),
        }
        let before = fs::read_to_string(&file).unwrap_or_default();
        let result = bench.connector.connect(&bench.target).await;
        match (result, expect) {
            (Ok(_), "") => {}
            (Err(error), expect) if !expect.is_empty() => {
                let chain = error.chain();
                assert!(chain.contains(expect), "{policy:?} {known:?}: {chain}");
                assert!(error.hint().is_some_and(|hint| hint.contains("ssh-key")));
            }
            (result, _) => panic!("{policy:?} {known:?}: {:?}", result.err()),
        }
        let after = fs::read_to_string(&file).unwrap_or_default();
        if policy == HostKeyPolicy::AcceptNew && known.is_none() {
            assert_eq!(after.trim(), bench.server.known_hosts_line().unwrap().trim());
            bench.target.host_key_policy = Some(HostKeyPolicy::Strict);
            bench.connect().await;
        } else {
            assert_eq!(after, before);
        }
    }
}

#[tokio::test]
async fn a_host_with_another_key_is_told_no_password() {
    let other = keys::public_line(&keys::generate().unwrap()).unwrap();
    let mut bench = bench(&|settings, target, _| {
        settings.accounts[0].password = Some("open sesame".into());
        target.password = Some(Secret::new("open sesame".into()));
        target.identity_files.clear();
        target.host_key_policy = Some(HostKeyPolicy::Off);
    })
    .await;
    bench.connect().await;
    let known = format!("[127.0.0.1]:{} {other}\n", bench.server.address().port());
    fs::write(bench.folder.join("known_hosts"), known).unwrap();
    let refusal = bench.refusal().await;
    assert!(refusal.contains("no password was tried, because the host key"), "{refusal}");
    bench.target.identity_files = vec![bench.folder.join("id")];
    bench.connect().await;
}

#[tokio::test]
async fn people_log_in_by_password_in_two_ways() {
    for asked in [false, true] {
        for (password, expect) in
            [(Some("open sesame"), ""), (Some("wrong"), "was refused"), (None, "nothing to try")]
        {
            let bench = bench(&|settings, target, _| {
                settings.accounts[0].password = Some("open sesame".into());
                settings.accounts[0].is_asked_interactively = asked;
                settings.accounts[0].authorized_keys.clear();
                target.identity_files.clear();
                target.password = password.map(|password| Secret::new(password.to_owned()));
            })
            .await;
            let result = bench.connector.connect(&bench.target).await;
            match (result, expect) {
                (Ok(connection), "") => ping(&connection.remote(None).await.unwrap()).await,
                (Err(error), expect) if !expect.is_empty() => {
                    let chain = error.chain();
                    assert!(chain.contains(expect), "{chain}");
                    assert!(!chain.contains("wrong"), "the password is shown: {chain}");
                    let takes = if asked { "keyboard-interactive" } else { "password" };
                    assert!(
                        chain.contains(&format!("the server takes publickey, {takes}")),
                        "{chain}"
                    );
                }
                (result, _) => panic!("{password:?}: {:?}", result.err()),
            }
        }
    }
}

#[tokio::test]
async fn an_error_says_what_was_tried() {
    let bench = bench(&|_, target, folder| {
        let stranger = keys::generate().unwrap();
        keys::write(&stranger, &folder.join("stranger")).unwrap();
        fs::write(folder.join("garbage"), "no key\n").unwrap();
        target.identity_files =
            ["stranger", "garbage", "missing"].map(|name| folder.join(name)).to_vec();
    })
    .await;
    let refusal = bench.refusal().await;
    for expect in [
        "op@127.0.0.1 was not let in",
        "stranger was refused",
        "garbage cannot be used",
        "missing is not there",
        "the server takes publickey",
    ] {
        assert!(refusal.contains(expect), "no {expect} in {refusal}");
    }
}

#[tokio::test]
async fn jump_hosts_are_gone_through_once() {
    let jump = bench(&|settings, _, _| settings.is_jump_host = true).await;
    let mut target = bench(&|_, _, _| {}).await;
    let jump_port = jump.server.address().port();
    let known = format!(
        "{}\n{}\n",
        jump.server.known_hosts_line().unwrap(),
        target.server.known_hosts_line().unwrap()
    );
    fs::write(target.folder.join("known_hosts"), known).unwrap();
    let config = target.folder.join("config");
    let identity = jump.target.identity_files[0].display();
    let text = format!(
        "Host bastion\nHostName 127.0.0.1\nPort {jump_port}\nUser op\nIdentityFile {identity}\n"
    );
    fs::write(&config, text).unwrap();
    target.target.ssh_config_file = Some(config);
    target.target.proxy_jump = Some("bastion".into());
    let one = target.connect().await;
    let two = target.connect().await;
    ping(&one.remote(None).await.unwrap()).await;
    ping(&two.remote(None).await.unwrap()).await;
    drop(jump);
    let error = two.remote(None).await.unwrap().call(request("ping", &[]), &NoFiles, None).await;
    assert!(matches!(error, Err(CallError::Lost { .. })), "{error:?}");

    let closed = bench(&|_, _, _| {}).await;
    let known = format!(
        "{}\n{}\n",
        closed.server.known_hosts_line().unwrap(),
        target.server.known_hosts_line().unwrap()
    );
    fs::write(target.folder.join("known_hosts"), known).unwrap();
    let identity = closed.target.identity_files[0].display();
    let text = format!("IdentityFile {identity}\n");
    fs::write(target.folder.join("config2"), text).unwrap();
    target.target.ssh_config_file = Some(target.folder.join("config2"));
    target.target.proxy_jump = Some(format!("op@127.0.0.1:{}", closed.server.address().port()));
    let refusal = target.refusal().await;
    assert!(refusal.contains("cannot be reached"), "{refusal}");
}

#[tokio::test]
async fn a_proxy_command_makes_the_stream() {
    let bench = bench(&|_, target, _| {
        let words = ["ProxyCommand", "bash -c 'exec 3<>/dev/tcp/%h/%p; cat <&3 & cat >&3'"];
        target.ssh_options = vec![(words[0].into(), words[1].into())];
    })
    .await;
    ping(&bench.connect().await.remote(None).await.unwrap()).await;
}
