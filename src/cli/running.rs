//! A run and the screen that shows it.

use std::{io::IsTerminal, sync::Arc};

use plan::Play;
use report::{Paint, Show, Tone};
use run::{Connections, Ended, Event, Reach, RunSettings, Runner, Store};
use transport::Narrator;

use crate::{
    Failed, includes::Compiling, session::Session, settings::Settings, terminal::Terminal,
};

/// Runs plays and shows what happens.
///
/// # Errors
/// The run cannot be started at all.
pub fn run(
    session: &Session,
    store: Arc<Store>,
    settings: RunSettings,
    compiler: Arc<playbook::Compiler>,
    plays: Vec<(String, Vec<Arc<Play>>)>,
    screen: Box<dyn Show>,
) -> Result<Ended, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed::general(format!("cannot start threads: {error}")))?;
    let (events, mut received) = tokio::sync::mpsc::unbounded_channel::<Event>();
    // Held weakly: who shows things waits until nobody has anything to say.
    let told = events.downgrade();
    let narrator = Narrator(Arc::new(move |address, words| {
        if let Some(events) = told.upgrade() {
            let _ = events.send(Event::Detail { message: format!("<{address}> {words}") });
        }
    }));
    if let Some(plugins) = &settings.connection_plugins {
        let told = events.downgrade();
        plugins.listen(Arc::new(move |event| {
            if let Some(events) = told.upgrade() {
                let _ = events.send(event);
            }
        }));
    }
    let connector = session.connector(Some(narrator))?;
    let shown = std::thread::spawn(move || {
        let mut screen = screen;
        while let Some(event) = received.blocking_recv() {
            let mut next = Some(event);
            while let Some(event) = next {
                screen.show(&event);
                if let Event::Flush { done } = event {
                    screen.pause();
                    // Whoever has waited may be gone.
                    let _ = done.send(());
                }
                next = received.try_recv().ok();
            }
            screen.pause();
        }
    });
    let includes = Arc::new(Compiling {
        compiler,
        engine: Arc::clone(&session.engine),
        files: Arc::clone(&session.files),
        speaks_as_ansible: session.program.is_ansible(),
    });
    let reach: Arc<dyn Reach> = Arc::new(Connections::new(connector));
    let runner = Runner {
        store,
        settings: Arc::new(settings),
        reach: Arc::clone(&reach),
        specs: Arc::clone(&session.modules) as Arc<dyn run::execute::Specs>,
        includes,
        prompts: Arc::new(Terminal { asks_people_alone: session.program.is_ansible() }),
        events,
    };
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = runner.run(plays) => Ok(ended),
            _ = tokio::signal::ctrl_c() => {
                reach.close().await;
                Err(Failed { code: 99, message: "User interrupted execution".into() })
            }
        }
    });
    drop(runner);
    drop(reach);
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    let _ = shown.join();
    ended
}

/// Says which configuration file is in force, where Ansible's programs would. `asked` is how often
/// the command line wants more told.
///
/// # Errors
/// A setting that has a wrong value.
pub fn tell_settings_file(session: &Session, asked: u8) -> Result<(), Failed> {
    let settings = &session.settings;
    let is_asked = asked > 0 || settings.number("DEFAULT_VERBOSITY")?.unwrap_or(0) > 0;
    if session.program.is_ansible() && is_asked {
        println!("{}", paint(settings)?.text(Tone::Verbose, &settings.file_words()));
    }
    Ok(())
}

pub(crate) fn paint(settings: &Settings) -> Result<Paint, Failed> {
    let no_colour = settings.flag("ANSIBLE_NOCOLOR")?.unwrap_or(false);
    let forced = settings.flag("ANSIBLE_FORCE_COLOR")?.unwrap_or(false);
    let dumb = settings.environment.get("TERM").is_some_and(|term| term == "dumb");
    let wanted = forced || (std::io::stdout().is_terminal() && !no_colour && !dumb);
    Ok(if wanted { Paint::Colour } else { Paint::Plain })
}
