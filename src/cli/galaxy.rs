//! `trueup galaxy`, and `ansible-galaxy`: roles and collections from Galaxy servers, archives,
//! folders and repositories of git. Nothing is published; what would do so is refused by name.

mod archive;
mod collections;
mod content;
mod fetch;
mod requirements;
mod resolution;
mod roles;
mod servers;
mod shelf;
mod skeleton;
mod version;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::{Failed, settings::Settings};
use requirements::{Requirements, Wanted, collection_of_text, role_of_text};
use servers::ServerArgs;
use shelf::Shelf;

#[derive(Args, Debug)]
pub struct GalaxyArgs {
    #[command(subcommand)]
    pub action: Action,
}

/// What is done; with roles where nothing else is said.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Manage roles.
    #[command(subcommand)]
    Role(RoleAction),
    /// Manage collections.
    #[command(subcommand)]
    Collection(CollectionAction),
    #[command(flatten)]
    Implied(RoleAction),
}

#[derive(Debug, Subcommand)]
pub enum RoleAction {
    /// Make a new role.
    Init(InitArgs),
    /// List the roles that are installed.
    List(RoleListArgs),
    /// Install roles; without `role`, also the collections of a file of requirements.
    Install(RoleInstallArgs),
    /// Remove roles.
    Remove(RoleRemoveArgs),
    #[command(hide = true)]
    Search(Rest),
    #[command(hide = true)]
    Info(Rest),
    #[command(hide = true)]
    Import(Rest),
    #[command(hide = true)]
    Delete(Rest),
    #[command(hide = true)]
    Setup(Rest),
}

/// The words behind an action that is refused.
#[derive(Args, Debug)]
pub struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum CollectionAction {
    /// Make a new collection.
    Init(InitArgs),
    /// List the collections that are installed.
    List(CollectionListArgs),
    /// Install collections.
    Install(CollectionInstallArgs),
    /// Make the archive of a collection.
    Build(CollectionBuildArgs),
    /// Fetch the archives of collections, to be installed where no server can be asked.
    Download(CollectionDownloadArgs),
    /// Compare collections that are installed with what their server has.
    Verify(CollectionVerifyArgs),
    #[command(hide = true)]
    Publish(Rest),
}

#[derive(Args, Debug)]
pub struct InitArgs {
    /// Its name; of a collection NAMESPACE.NAME.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Folder that it is made in.
    #[arg(long = "init-path", default_value = ".", value_name = "FOLDER")]
    pub init_path: PathBuf,
    /// Write over what is there.
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Ask no server: none is ever asked.
    #[arg(long)]
    pub offline: bool,
    /// Say more.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Args, Debug)]
pub struct RoleListArgs {
    /// Only this role.
    #[arg(value_name = "ROLE")]
    pub role: Option<String>,
    /// Folders of roles.
    #[arg(short = 'p', long = "roles-path", value_name = "FOLDER")]
    pub roles_path: Vec<PathBuf>,
    /// Say more.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Args, Debug)]
pub struct RoleInstallArgs {
    /// SOURCE[,VERSION[,NAME]]: a role of a Galaxy server as NAMESPACE.NAME, an archive, or a
    /// repository as git+URL.
    #[arg(value_name = "ROLE")]
    pub roles: Vec<String>,
    /// File of requirements.
    #[arg(
        short = 'r',
        long = "role-file",
        visible_alias = "requirements-file",
        value_name = "FILE"
    )]
    pub role_file: Option<PathBuf>,
    /// Folder that roles come into.
    #[arg(short = 'p', long = "roles-path", value_name = "FOLDER")]
    pub roles_path: Option<PathBuf>,
    #[command(flatten)]
    pub install: InstallArgs,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Go on with the next one where one fails.
    #[arg(short = 'i', long = "ignore-errors")]
    pub ignore_errors: bool,
    /// Keep the folder .git.
    #[arg(short = 'g', long = "keep-scm-meta")]
    pub keep_scm_meta: bool,
    /// Say more.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What installing takes, of roles and of collections.
#[derive(Args, Debug)]
pub struct InstallArgs {
    /// Write over what is there.
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Write over what is there, of dependencies too.
    #[arg(long = "force-with-deps")]
    pub force_with_deps: bool,
    /// Leave dependencies out.
    #[arg(short = 'n', long = "no-deps")]
    pub no_deps: bool,
}

impl InstallArgs {
    /// Whether what was asked for takes the place of what is there.
    fn overwrites(&self) -> bool {
        self.force || self.force_with_deps
    }
}

#[derive(Args, Debug)]
pub struct RoleRemoveArgs {
    /// The roles.
    #[arg(value_name = "ROLE", required = true)]
    pub roles: Vec<String>,
    /// Folders of roles.
    #[arg(short = 'p', long = "roles-path", value_name = "FOLDER")]
    pub roles_path: Vec<PathBuf>,
    /// Say more.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Args, Debug)]
pub struct CollectionListArgs {
    /// Only this collection.
    #[arg(value_name = "COLLECTION")]
    pub collection: Option<String>,
    /// Folders of collections besides.
    #[arg(short = 'p', long = "collections-path", value_name = "FOLDER")]
    pub collections_path: Vec<PathBuf>,
    /// How it is shown.
    #[arg(long, default_value = "human", value_parser = ["human", "yaml", "json"])]
    pub format: String,
    /// Say more.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Args, Debug)]
pub struct CollectionInstallArgs {
    #[command(flatten)]
    pub wanted: WantedCollections,
    /// Folder that collections come into.
    #[arg(short = 'p', long = "collections-path", value_name = "FOLDER")]
    pub collections_path: Option<PathBuf>,
    #[command(flatten)]
    pub install: InstallArgs,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Put what is newer in the place of what is there, of dependencies too.
    #[arg(short = 'U', long)]
    pub upgrade: bool,
    /// Take versions before a release.
    #[arg(long)]
    pub pre: bool,
    /// Ask no server.
    #[arg(long)]
    pub offline: bool,
    #[command(flatten)]
    pub signatures: SignatureArgs,
    /// Say more.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Which collections are meant.
#[derive(Args, Debug)]
pub struct WantedCollections {
    /// NAMESPACE.NAME[:VERSIONS] of a Galaxy server, archives, folders, repositories as
    /// git+URL[#FOLDER][,VERSION].
    #[arg(value_name = "COLLECTION")]
    pub collections: Vec<String>,
    /// File of requirements.
    #[arg(short = 'r', long = "requirements-file", value_name = "FILE")]
    pub requirements_file: Option<PathBuf>,
}

/// Signatures of collections, which are not looked at.
#[derive(Args, Debug)]
pub struct SignatureArgs {
    #[arg(long, hide = true, value_name = "FILE")]
    pub keyring: Option<PathBuf>,
    #[arg(long, hide = true, value_name = "URL")]
    pub signature: Vec<String>,
    /// Look at no signatures: none are looked at.
    #[arg(long = "disable-gpg-verify")]
    pub disable_gpg_verify: bool,
}

impl SignatureArgs {
    fn refuse(&self, settings: &Settings) -> Result<(), Failed> {
        let keyring = self.keyring.clone().or_else(|| settings.path("GALAXY_GPG_KEYRING"));
        if !self.disable_gpg_verify && (keyring.is_some() || !self.signature.is_empty()) {
            return Err(Failed::option(
                "signatures of collections are not verified by Trueup, which holds archives to the server's sums alone: leave the keyring and `--signature` out, or give --disable-gpg-verify",
            ));
        }
        Ok(())
    }
}

#[derive(Args, Debug)]
pub struct CollectionBuildArgs {
    /// The collection's folder.
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub folders: Vec<PathBuf>,
    /// Folder that the archive comes into.
    #[arg(long = "output-path", default_value = ".", value_name = "FOLDER")]
    pub output_path: PathBuf,
    /// Write over an archive that is there.
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Say more.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Args, Debug)]
pub struct CollectionDownloadArgs {
    #[command(flatten)]
    pub wanted: WantedCollections,
    /// Folder that the archives come into.
    #[arg(
        short = 'p',
        long = "download-path",
        default_value = "./collections",
        value_name = "FOLDER"
    )]
    pub download_path: PathBuf,
    /// Leave dependencies out.
    #[arg(short = 'n', long = "no-deps")]
    pub no_deps: bool,
    /// Take versions before a release.
    #[arg(long)]
    pub pre: bool,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Say more.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Args, Debug)]
pub struct CollectionVerifyArgs {
    #[command(flatten)]
    pub wanted: WantedCollections,
    /// Folders of collections besides.
    #[arg(short = 'p', long = "collections-path", value_name = "FOLDER")]
    pub collections_path: Vec<PathBuf>,
    /// Compare with the sums that the collections brought along, and ask no server.
    #[arg(long)]
    pub offline: bool,
    #[command(flatten)]
    pub server: ServerArgs,
    #[command(flatten)]
    pub signatures: SignatureArgs,
    /// Say more.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Does what is asked.
///
/// # Errors
/// What cannot be read, fetched or written; what is not done with Galaxy servers.
pub fn run(args: GalaxyArgs, settings: &Settings) -> Result<u8, Failed> {
    match args.action {
        Action::Role(action) => role(action, settings, false)?,
        Action::Implied(action) => role(action, settings, true)?,
        Action::Collection(action) => collection(action, settings)?,
    }
    Ok(0)
}

fn refused(action: &str) -> Failed {
    Failed::option(format!(
        "`{action}` of Galaxy servers is not done by Trueup, which installs from them alone"
    ))
}

fn role(action: RoleAction, settings: &Settings, takes_collections: bool) -> Result<(), Failed> {
    match action {
        RoleAction::Init(args) => skeleton::role(&args.name, &args.init_path, args.force),
        RoleAction::List(args) => {
            let folders = [args.roles_path, role_folders(settings)].concat();
            roles::list(&folders, args.role.as_deref())
        }
        RoleAction::Remove(args) => {
            let folders = match args.roles_path.is_empty() {
                true => role_folders(settings),
                false => args.roles_path,
            };
            roles::remove(&folders, &args.roles)
        }
        RoleAction::Install(args) => install_roles(args, settings, takes_collections),
        RoleAction::Search(_) => Err(refused("search")),
        RoleAction::Info(_) => Err(refused("info")),
        RoleAction::Import(_) => Err(refused("import")),
        RoleAction::Delete(_) => Err(refused("delete")),
        RoleAction::Setup(_) => Err(refused("setup")),
    }
}

fn install_roles(
    args: RoleInstallArgs,
    settings: &Settings,
    takes_collections: bool,
) -> Result<(), Failed> {
    let mut wanted: Vec<Wanted> = args.roles.iter().map(|text| role_of_text(text)).collect();
    let mut others = Vec::new();
    if let Some(file) = &args.role_file {
        let all = Requirements::read(file)?;
        wanted.extend(all.roles);
        others = all.collections;
    } else if wanted.is_empty() {
        return Err(Failed::option("- you must specify a user/role name or a roles file"));
    }
    let folders = role_folders(settings);
    let has_own_folder = args.roles_path.is_some();
    let folder = args.roles_path.or_else(|| folders.first().cloned()).unwrap_or_default();
    if wanted.is_empty() && (args.role_file.is_none() || others.is_empty()) {
        println!("Skipping install, no requirements found");
    }
    if !wanted.is_empty() {
        println!("Starting galaxy role install process");
        let installation = roles::Installation {
            settings,
            servers: servers::of(settings, &args.server)?,
            folder,
            overwrites: args.install.overwrites(),
            overwrites_dependencies: args.install.force_with_deps,
            takes_dependencies: !args.install.no_deps,
            ignores_errors: args.ignore_errors,
            keeps_git: args.keep_scm_meta,
        };
        installation.install(wanted)?;
    }
    if others.is_empty() {
        return Ok(());
    }
    if !takes_collections || has_own_folder {
        let file = args.role_file.unwrap_or_default();
        eprintln!(
            "[WARNING]: The requirements file '{}' contains collections which will be ignored. To install these collections run 'ansible-galaxy collection install -r' or to install both at the same time run 'ansible-galaxy install -r' without a custom install path.",
            file.display()
        );
        return Ok(());
    }
    let folders = collection_folders(settings);
    let installation = collections::Installation {
        folder: folders.first().cloned().unwrap_or_default(),
        shelf: Shelf::new(settings, &args.server, folders, false)?,
        overwrites: args.install.overwrites(),
        overwrites_dependencies: args.install.force_with_deps,
        takes_dependencies: !args.install.no_deps,
        upgrades: false,
        takes_prereleases: false,
    };
    installation.install(others)
}

fn collection(action: CollectionAction, settings: &Settings) -> Result<(), Failed> {
    match action {
        CollectionAction::Init(args) => {
            skeleton::collection(&args.name, &args.init_path, args.force)
        }
        CollectionAction::List(args) => list_collections(&args, settings),
        CollectionAction::Install(args) => install_collections(args, settings),
        CollectionAction::Build(args) => args
            .folders
            .iter()
            .try_for_each(|folder| collections::build(folder, &args.output_path, args.force)),
        CollectionAction::Download(args) => download_collections(args, settings),
        CollectionAction::Verify(args) => {
            args.signatures.refuse(settings)?;
            let folders = [args.collections_path.clone(), collection_folders(settings)].concat();
            let mut shelf = Shelf::new(settings, &args.server, folders, args.offline)?;
            collections::verify(&mut shelf, args.wanted.read()?, args.offline)
        }
        CollectionAction::Publish(_) => Err(refused("publish")),
    }
}

impl WantedCollections {
    fn read(&self) -> Result<Vec<Wanted>, Failed> {
        let words = self.collections.iter();
        let mut wanted: Vec<Wanted> = words.map(|text| collection_of_text(text)).collect();
        if let Some(file) = &self.requirements_file {
            let all = Requirements::read(file)?;
            wanted.extend(all.collections);
            if !all.roles.is_empty() {
                eprintln!(
                    "[WARNING]: The requirements file '{}' contains roles which will be ignored. To install these roles run 'ansible-galaxy role install -r' or to install both at the same time run 'ansible-galaxy install -r' without a custom install path.",
                    file.display()
                );
            }
        }
        if wanted.is_empty() {
            let why = "You must specify a collection name or a requirements file.";
            return Err(Failed::option(why));
        }
        Ok(wanted)
    }
}

fn download_collections(args: CollectionDownloadArgs, settings: &Settings) -> Result<(), Failed> {
    let downloads = collections::Installation {
        shelf: Shelf::new(settings, &args.server, Vec::new(), false)?,
        folder: args.download_path,
        overwrites: false,
        overwrites_dependencies: false,
        takes_dependencies: !args.no_deps,
        upgrades: false,
        takes_prereleases: args.pre,
    };
    downloads.download(args.wanted.read()?)
}

fn install_collections(args: CollectionInstallArgs, settings: &Settings) -> Result<(), Failed> {
    args.signatures.refuse(settings)?;
    let wanted = args.wanted.read()?;
    let folders = collection_folders(settings);
    let folder = args.collections_path.clone().or_else(|| folders.first().cloned());
    let folder = folder.unwrap_or_default();
    if let Some(own) = &args.collections_path
        && !folders.contains(own)
    {
        eprintln!(
            "[WARNING]: The specified collections path '{}' is not part of the configured Ansible collections paths. The installed collection will not be picked up in an Ansible run, unless within a playbook-adjacent collections directory.",
            own.display()
        );
    }
    let all = [vec![folder.clone()], folders].concat();
    let installation = collections::Installation {
        shelf: Shelf::new(settings, &args.server, all, args.offline)?,
        folder,
        overwrites: args.install.overwrites(),
        overwrites_dependencies: args.install.force_with_deps,
        takes_dependencies: !args.install.no_deps,
        upgrades: args.upgrade,
        takes_prereleases: args.pre,
    };
    installation.install(wanted)
}

fn list_collections(args: &CollectionListArgs, settings: &Settings) -> Result<(), Failed> {
    let folders = [args.collections_path.clone(), collection_folders(settings)].concat();
    let mut all = collections::installed_in(&folders);
    if let Some(only) = &args.collection {
        for (_, found) in &mut all {
            found.retain(|name, _| name == only);
        }
        all.retain(|(_, found)| !found.is_empty());
        if all.is_empty() {
            return Err(Failed::general(format!(
                "Unable to find collection {only} in collection paths"
            )));
        }
    }
    if args.format != "human" {
        let shown: protocol::JsonMap = all
            .iter()
            .map(|(folder, found)| {
                let found: protocol::JsonMap = found
                    .iter()
                    .map(|(name, version)| (name.clone(), serde_json::json!({"version": version})))
                    .collect();
                (folder.display().to_string(), found.into())
            })
            .collect();
        match args.format.as_str() {
            "json" => println!("{}", protocol::Json::Object(shown)),
            _ => print!("{}", serde_yaml::to_string(&shown).unwrap_or_default()),
        }
        return Ok(());
    }
    if all.is_empty() {
        eprintln!("[WARNING]: no collections are installed");
    }
    for (folder, found) in all {
        let width = |title: &str, texts: Vec<&String>| {
            texts.iter().map(|text| text.len()).chain([title.len()]).max().unwrap_or_default()
        };
        let names = width("Collection", found.keys().collect());
        let versions = width("Version", found.values().collect());
        println!("\n# {}", folder.display());
        println!("{:names$} {:versions$}", "Collection", "Version");
        println!("{} {}", "-".repeat(names), "-".repeat(versions));
        for (name, version) in found {
            println!("{name:names$} {version:versions$}");
        }
    }
    Ok(())
}

fn role_folders(settings: &Settings) -> Vec<PathBuf> {
    settings.paths("DEFAULT_ROLES_PATH").unwrap_or_else(|| {
        vec![
            settings.home.join(".ansible/roles"),
            PathBuf::from("/usr/share/ansible/roles"),
            PathBuf::from("/etc/ansible/roles"),
        ]
    })
}

fn collection_folders(settings: &Settings) -> Vec<PathBuf> {
    settings.paths("COLLECTIONS_PATHS").unwrap_or_else(|| {
        vec![
            settings.home.join(".ansible/collections"),
            PathBuf::from("/usr/share/ansible/collections"),
        ]
    })
}
