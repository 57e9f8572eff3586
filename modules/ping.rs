//! The `ping` module.

use module::{Arguments, Documented, Example, Fact, Failure, Host, Returned};
use protocol::{Response, spec::Support};

/// Answers, which says that the host can be logged in to and that modules run on it.
///
/// It has nothing to do with ICMP.
#[derive(Debug, Arguments)]
pub struct Ping {
    /// What to answer. `crash` makes the module fail on purpose.
    #[argument(default = "pong")]
    data: String,
}

impl Documented for Ping {
    const NAME: &'static str = "ansible.builtin.ping";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "Is the host there?", args: "{}" },
        Example { title: "Another answer", args: r#"{"data": "here"}"# },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("ping", "What `data` says.", "always", r#""pong""#)];
    const DIFF_MODE: Support = Support::None;
}

impl Fact for Ping {
    fn read(&self, _: &dyn Host) -> Result<Response, Failure> {
        if self.data == "crash" {
            // As a module looks that ends before it has answered.
            const TRACE: &str = "Exception: boom";
            const MSG: &str = "MODULE FAILURE: No start of json char found\n\
                               See stdout/stderr for the exact error";
            return Err(Failure::new(MSG)
                .with("exception", TRACE)
                .with("module_stderr", TRACE)
                .with("module_stdout", TRACE)
                .with("rc", 1));
        }
        let mut response = Response::default();
        response.returned.insert("ping".into(), self.data.clone().into());
        Ok(response)
    }
}
