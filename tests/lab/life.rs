//! How a lab comes up, is found, and goes.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::world::{Foreground, World, said};

/// What the vendors' own tools read.
const VARIABLES: [&str; 34] = [
    "KUBECONFIG",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "https_proxy",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "VAULT_CACERT",
    "NODE_EXTRA_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_STS",
    "VAULT_ADDR",
    "VAULT_TOKEN",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "ROTAPROOF_AZURE_VAULT_URL",
    "ROTAPROOF_AZURE_ENDPOINT",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
    "ROTAPROOF_GCP_ENDPOINT",
    "OP_CONNECT_HOST",
    "OP_CONNECT_TOKEN",
    "ROTAPROOF_LAB",
    "ROTAPROOF_STATE",
];

/// Those whose values are secret, and of one lab alone.
const CREDENTIALS: [&str; 4] = [
    "AWS_SECRET_ACCESS_KEY",
    "AZURE_CLIENT_SECRET",
    "VAULT_TOKEN",
    "OP_CONNECT_TOKEN",
];

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_lab_comes_up_with_every_variable_and_is_gone_after_down() {
    let world = World::new();
    let told = world.ok(&["up", "--detach", "--env-file", "lab.env"]);
    let file = world.folder().join("lab.env");
    let variables = world.sourced(&file);
    for name in VARIABLES {
        assert!(variables.contains_key(name), "{name} is missing");
    }
    for secret in CREDENTIALS {
        assert!(!told.contains(&variables[secret]), "{secret} was printed");
    }
    assert!(
        told.contains(&format!("source {}", file.display())),
        "{told}"
    );
    let again = World::with_lab(&[]);
    let other = again.sourced(&again.lab().join("env"));
    for random in CREDENTIALS {
        assert_ne!(
            variables[random], other[random],
            "{random} is the same in two labs"
        );
    }

    let status = world.status();
    assert_eq!(status["env_file"], file.display().to_string());
    assert!(world.ok(&["down"]).contains("is down"));
    assert!(!file.exists() && !world.lab().exists());
    assert_eq!(std::fs::read_dir(world.state()).unwrap().count(), 0);
    let kubernetes = status["kubernetes"].as_str().unwrap();
    let address = kubernetes.strip_prefix("https://").unwrap();
    assert!(
        TcpListener::bind(address).is_ok(),
        "{address} is still taken"
    );
    let nothing = world.run(&["down"]);
    assert!(nothing.status.success());
    assert!(said(&nothing).contains("no lab named `default` is up"));
    let nothing = world.refused(2, &["status"]);
    assert!(
        nothing.contains("`rotaproof up --name default` starts one"),
        "{nothing}"
    );
}

#[test]
fn only_the_user_may_read_what_a_lab_writes() {
    let world = World::with_lab(&["--env-file", "lab.env"]);
    for folder in [world.state(), world.lab()] {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
    }
    let mut files: Vec<_> = std::fs::read_dir(world.lab())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() >= 5, "{files:?}");
    files.push(world.folder().join("lab.env"));
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn every_address_is_of_this_machine_alone() {
    let world = World::with_lab(&[]);
    let status = world.status();
    let vaults = status["vaults"].as_array().unwrap();
    let urls = vaults.iter().map(|vault| &vault["endpoint"]);
    let urls = urls.chain([&status["kubernetes"], &status["proxy"]]);
    let ports: Vec<String> = urls
        .map(|url| {
            let (_, port) = url.as_str().unwrap().rsplit_once(':').unwrap();
            format!("{:04X}", port.parse::<u16>().unwrap())
        })
        .collect();
    // `sl local_address rem_address st`: a listener's state is 0A, 127.0.0.1 is 0100007F.
    let all = std::fs::read_to_string("/proc/net/tcp").unwrap()
        + &std::fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    let listening = all.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (address, port) = words.next()?.split_once(':')?;
        (words.nth(1)? == "0A").then(|| (address.to_owned(), port.to_owned()))
    });
    let ours: Vec<_> = listening.filter(|(_, port)| ports.contains(port)).collect();
    assert_eq!(ours.len(), ports.len(), "{ours:?}");
    assert!(
        ours.iter().all(|(address, _)| address == "0100007F"),
        "{ours:?}"
    );
}

#[test]
fn a_second_lab_of_a_name_is_refused_and_another_name_is_another_lab() {
    let world = World::with_lab(&[]);
    let refused = world.refused(2, &["up", "--detach"]);
    assert!(
        refused.contains("a lab named `default` is up already"),
        "{refused}"
    );
    assert!(refused.contains("`--name` starts another one"), "{refused}");
    let refused = world.refused(2, &["up"]);
    assert!(refused.contains("is up already"), "{refused}");
    world.ok(&["up", "--detach", "--name", "two"]);
    assert_eq!(world.status()["name"], "default");
    world.ok(&["down", "--name", "two"]);
    assert_eq!(world.status()["name"], "default");
}

#[test]
fn a_taken_port_is_named_and_nothing_is_left() {
    let world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for detach in [&["--detach"][..], &[]] {
        let chosen = format!("kubernetes={port}");
        let refused = world.refused(3, &[&["up", "--port", &chosen], detach].concat());
        assert!(
            refused.contains(&format!("port {port} of 127.0.0.1 is taken")),
            "{refused}"
        );
        assert!(refused.contains("--port kubernetes=PORT"), "{refused}");
        assert_eq!(std::fs::read_dir(world.state()).unwrap().count(), 0);
    }
    drop(taken);
    let chosen = format!("kubernetes={port}");
    world.ok(&["up", "--detach", "--port", &chosen]);
    assert_eq!(
        world.status()["kubernetes"],
        format!("https://127.0.0.1:{port}")
    );
    let refused = world.refused(2, &["up", "--name", "two", "--port", "nothing=1"]);
    assert!(
        refused.contains("it has proxy, kubernetes, aws"),
        "{refused}"
    );
}

#[test]
fn somebody_elses_file_is_not_overwritten() {
    let world = World::new();
    let mine = world.write(".env", "MINE=1\n");
    let refused = world.refused(2, &["up", "--detach", "--env-file", ".env"]);
    assert!(refused.contains("is left as it is"), "{refused}");
    assert_eq!(std::fs::read_to_string(mine).unwrap(), "MINE=1\n");
}

#[test]
fn a_dash_prints_the_environment_and_nothing_else() {
    let world = World::new();
    let printed = world.ok(&["up", "--detach", "--env-file", "-"]);
    let file = world.write("printed", &printed);
    assert_eq!(
        world.sourced(&file),
        world.sourced(&world.lab().join("env"))
    );
    let lines: Vec<_> = printed
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert!(
        lines.iter().all(|line| line.starts_with("export ")),
        "{}",
        lines.len()
    );
}

#[test]
fn an_interrupt_or_a_termination_ends_it_and_leaves_nothing() {
    for signal in ["-INT", "-TERM"] {
        let world = World::new();
        let (mut lab, told) = Foreground::start(&world, &["--env-file", "lab.env"]);
        assert!(
            told[0].contains("The lab `default` is up, empty"),
            "{told:?}"
        );
        lab.signal(signal);
        assert_eq!(lab.0.wait().unwrap().code(), Some(0));
        assert!(!world.folder().join("lab.env").exists());
        assert_eq!(std::fs::read_dir(world.state()).unwrap().count(), 0);
    }
}

#[test]
fn what_a_killed_lab_left_is_told_and_swept() {
    let world = World::new();
    let (mut lab, _) = Foreground::start(&world, &[]);
    lab.0.kill().unwrap();
    lab.0.wait().unwrap();
    assert!(world.lab().join("env").exists());
    let told = world.refused(2, &["status"]);
    assert!(
        told.contains("was killed") && told.contains("rotaproof gc"),
        "{told}"
    );
    let swept = world.ok(&["gc"]);
    assert!(
        swept.contains(&world.lab().display().to_string()),
        "{swept}"
    );
    assert!(!world.lab().exists());
    assert!(
        !world
            .ok(&["gc"])
            .contains(&world.lab().display().to_string())
    );

    let (mut lab, _) = Foreground::start(&world, &[]);
    lab.0.kill().unwrap();
    lab.0.wait().unwrap();
    world.ok(&["up", "--detach"]);
    assert_ne!(world.status()["pid"], lab.0.id());
    world.ok(&["gc"]);
    assert_eq!(
        world.status()["name"],
        "default",
        "a lab that is up is not swept"
    );
}

#[test]
fn the_wrong_words_are_told_before_anything_starts() {
    let world = World::new();
    world.write(
        "wrong.scenario.yaml",
        "scenario: x\nsteps:\n  - rotate: { secret: aws/a }\n",
    );
    for (arguments, wanted) in [
        (
            &["up", "none.scenario.yaml", "--detach"][..],
            "no such file",
        ),
        (
            &["up", "wrong.scenario.yaml", "--detach"],
            "wrong.scenario.yaml:3:",
        ),
        (&["up", "--name", "../x"], "letters, digits"),
        (&["up", "--port", "6443"], "kubernetes=6443"),
        (&["fault", "aws"], "--latency"),
        (&["fault", "aws", "--status", "200"], "400..=599"),
        (
            &["fault", "aws", "--hang", "--reset"],
            "cannot be used with",
        ),
        (&["rotate", "aws"], "vault/name-of-the-secret"),
    ] {
        let refused = world.refused(2, arguments);
        assert!(refused.contains(wanted), "{arguments:?}: {refused}");
    }
    assert!(!world.lab().exists());
}
