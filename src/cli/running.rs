//! A run and the screen that shows it.

use std::{
    io::{BufRead, IsTerminal, Write},
    sync::Arc,
};

use plan::Play;
use report::{Paint, Show};
use run::{Connections, Ended, Event, Reach, RunSettings, Runner, Store, prompting::Prompts};
use transport::Narrator;

use crate::{Failed, includes::Compiling, session::Session, settings::Settings};

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
        prompts: Arc::new(Terminal),
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

pub(crate) fn paint(settings: &Settings) -> Result<Paint, Failed> {
    let no_colour = settings.flag("ANSIBLE_NOCOLOR")?.unwrap_or(false);
    let forced = settings.flag("ANSIBLE_FORCE_COLOR")?.unwrap_or(false);
    let dumb = settings.environment.get("TERM").is_some_and(|term| term == "dumb");
    let wanted = forced || (std::io::stdout().is_terminal() && !no_colour && !dumb);
    Ok(if wanted { Paint::Colour } else { Paint::Plain })
}

/// Asks on the terminal.
struct Terminal;

impl Prompts for Terminal {
    fn line(&self, prompt: &str) -> Option<String> {
        let mut output = std::io::stdout();
        let _ = write!(output, "{prompt}");
        let _ = output.flush();
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(count) if count > 0 => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
            _ => None,
        }
    }

    fn hidden_line(&self) -> Option<String> {
        rpassword::read_password().ok()
    }

    fn ask(&self, prompt: &plan::Prompt, text: &str) -> Option<String> {
        if !std::io::stdin().is_terminal() {
            let mut line = String::new();
            return match std::io::stdin().lock().read_line(&mut line) {
                Ok(count) if count > 0 => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
                _ => None,
            };
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
            return rpassword::prompt_password(text).ok();
        }
        let mut terminal = std::io::stderr();
        let _ = write!(terminal, "{text}");
        let _ = terminal.flush();
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).ok()?;
        Some(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}
