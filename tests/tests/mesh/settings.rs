//! The settings of the programs that are passwords, or URLs with one: read from the help of each
//! program and of its commands, so that a new one is checked as well.

use std::process::{Command, Output};

use topology::Service;

/// A program and the arguments of one of its commands.
struct Invocation {
    program: &'static str,
    arguments: Vec<String>,
}

impl Invocation {
    fn run(&self, more: &[&str], variable: Option<(&str, &str)>) -> Output {
        let tests = std::env::current_exe().expect("a test is a program");
        let folder = tests.ancestors().nth(2).expect("target/debug");
        let mut command = Command::new(folder.join(self.program));
        command.args(&self.arguments).args(more).envs(variable);
        command.output().expect("`cargo build --workspace --bins` has built it")
    }

    fn help(&self) -> String {
        String::from_utf8(self.run(&["--help"], None).stdout).expect("text")
    }

    /// Returns the variables of the secret settings: the help shows no value of them.
    fn secrets(&self) -> Vec<String> {
        let help = self.help();
        let variables = help.split("[env: ").skip(1).filter_map(|rest| rest.split(']').next());
        variables.filter(|variable| !variable.contains('=')).map(str::to_owned).collect()
    }
}

fn invocations() -> Vec<Invocation> {
    let programs = Service::all().map(Service::name);
    programs
        .flat_map(|program| {
            let itself = Invocation { program, arguments: Vec::new() };
            let help = itself.help();
            let commands = help.split("\nCommands:\n").nth(1).unwrap_or_default();
            let commands = commands.split("\n\n").next().unwrap_or_default();
            let names =
                commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
            let names = names.filter_map(|line| line.split_whitespace().next());
            let names: Vec<String> =
                names.filter(|name| *name != "help").map(str::to_owned).collect();
            let of_command = |name| Invocation { program, arguments: vec![name] };
            [itself].into_iter().chain(names.into_iter().map(of_command)).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn a_secret_setting_with_a_bad_value_is_rejected_in_one_line_without_the_value() {
    let mut found = Vec::new();
    for invocation in invocations() {
        for variable in invocation.secrets() {
            let mut values = vec!["canary\n2"];
            if variable.ends_with("URL") {
                values.push("postgres://me:canary/2@host/db");
            }
            for value in values {
                let output = invocation.run(&[], Some((&variable, value)));
                let error = String::from_utf8(output.stderr).expect("text");
                let place = format!("{} {variable}: {error}", invocation.program);
                assert_eq!(output.status.code(), Some(64), "{place}");
                assert_eq!(error.lines().count(), 1, "{place}");
                assert!(!error.contains("canary"), "{place}");
                let setting = variable.to_lowercase().replace('_', "-");
                assert!(error.contains(&format!("--{setting}")), "{place}");
            }
            found.push(variable);
        }
    }
    for expected in ["DATABASE_URL", "SMTP_URL", "ADMIN_PASSWORD"] {
        assert!(found.iter().any(|variable| variable == expected), "{expected} of {found:?}");
    }
}
