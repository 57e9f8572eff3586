use super::*;

fn load_text(name: &str, text: &str) -> (Inventory, Diagnostics) {
    let engine = Engine::new();
    let mut diagnostics = Diagnostics::default();
    let mut inventory = Inventory::default();
    let file = SourceFile::new(name, text);
    if name.ends_with(".yml") {
        if let Some(node) = source::yaml::parse(&file, &mut diagnostics) {
            yaml::read(&node, &engine, &mut inventory, &mut diagnostics);
        }
    } else {
        ini::read(&file, &engine, &mut inventory, &mut diagnostics);
    }
    inventory.reconcile();
    (inventory, diagnostics)
}

/// `group: hosts | child groups | vars` a line, then `host | vars`.
fn outline(inventory: &Inventory) -> String {
    let vars = |vars: &crate::Vars| {
        let vars: Vec<String> = vars.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
        vars.join(" ")
    };
    let mut lines: Vec<String> = inventory
        .groups
        .values()
        .filter(|group| group.name.as_str() != "all")
        .map(|group| {
            let hosts: Vec<String> = group.hosts.iter().map(ToString::to_string).collect();
            let children: Vec<String> = group.children.iter().map(ToString::to_string).collect();
            format!(
                "{}: {} | {} | {}",
                group.name,
                hosts.join(" "),
                children.join(" "),
                vars(&group.vars)
            )
        })
        .collect();
    lines.extend(
        inventory.hosts.values().map(|host| format!("{} | {}", host.name, vars(&host.vars))),
    );
    lines.join("\n")
}

#[test]
fn an_ini_inventory_is_read() {
    let text = "lone ansible_port=22 # the first\n\
                [web]\n\
                web[1:2]:2222 weight=0.5 name='a b' flag=True text=yes mode=0644\n\
                [web:vars]\n\
                ; a comment\n\
                list = ['a', 1]\n\
                text = a # b\n\
                [prod:children]\n\
                web\n";
    let (inventory, diagnostics) = load_text("hosts", text);
    assert!(diagnostics.all.is_empty(), "{:?}", diagnostics.all);
    let expected = r#"ungrouped: lone |  | 
web: web1 web2 |  | list=['a', 1] text='a # b'
prod:  | web | 
lone | ansible_port=22
web1 | ansible_port=2222 weight=0.5 name='a b' flag=True text='yes' mode='0644'
web2 | ansible_port=2222 weight=0.5 name='a b' flag=True text='yes' mode='0644'"#;
    assert_eq!(outline(&inventory), expected);
}

#[test]
fn a_yaml_inventory_is_read() {
    let text = "all:\n  hosts:\n    lone:\n      ansible_port: 22\n  children:\n    prod:\n      children:\n        web:\n          hosts:\n            web[1:2]:\n          vars: {tier: front}\n";
    let (inventory, diagnostics) = load_text("hosts.yml", text);
    assert!(diagnostics.all.is_empty(), "{:?}", diagnostics.all);
    let expected = "ungrouped: lone |  | \nprod:  | web | \nweb: web1 web2 |  | tier='front'\nlone | ansible_port=22\nweb1 | \nweb2 | ";
    assert_eq!(outline(&inventory), expected);
}

#[test]
fn lines_that_are_wrong_are_all_named_with_their_places() {
    let text = "[web]\nweb1 port\nweb[3:1]\nweb2 x='a\n[web:var]\nx=1\n[prod:children]\nwbe\n[db:vars]\nx=1\n";
    let (_, diagnostics) = load_text("hosts", text);
    let found: Vec<String> = diagnostics
        .all
        .iter()
        .map(|d| format!("{} {}", d.span.as_ref().map(|s| s.start.line).unwrap_or(0), d.message))
        .collect();
    let expected = [
        "2 Expected key=value host variable assignment, got: port",
        "3 host range must have begin <= end",
        "4 Error parsing host definition 'web2 x='a': No closing quotation",
        "5 Section [web:var] has unknown type: var",
        "8 Section [prod:children] includes undefined group: wbe",
        "9 Section [db:vars] not valid for undefined group: db",
    ];
    assert_eq!(found, expected);
    assert_eq!(diagnostics.all[4].hint.as_deref(), Some("did you mean web?"));
}

#[test]
fn a_host_list_is_read() {
    let engine = Engine::new();
    let mut diagnostics = Diagnostics::default();
    let read = |_: &Path| Err(String::from("not asked for"));
    let sources = [String::from("a,b:2222,")];
    let inventory = load(&sources, &engine, &LoadSettings::default(), &read, &mut diagnostics);
    assert_eq!(outline(&inventory), "ungrouped: a b |  | \na | \nb | ansible_port=2222");
}

#[test]
fn a_source_that_is_not_there_is_named() {
    let engine = Engine::new();
    let mut diagnostics = Diagnostics::default();
    let read = |_: &Path| Err(String::from("not asked for"));
    let sources = [String::from("/nowhere/hosts")];
    load(&sources, &engine, &LoadSettings::default(), &read, &mut diagnostics);
    assert!(diagnostics.all[0].message.contains("/nowhere/hosts"));
}
