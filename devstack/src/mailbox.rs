//! The mailbox: a mail server that delivers nothing and shows every mail on a page and by REST.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail};

use crate::{paths, process::Program};

/// Returns the program that receives mails at `smtp_port` and shows them at `web_port`.
pub(crate) fn program(dir: &Path, smtp_port: u16, web_port: u16) -> Result<Program> {
    let node = paths::in_path("node")
        .context("Node.js is missing: run `make deps`, or install Node.js 18 or newer")?;
    // Not through npx: a child of it would outlive it.
    let maildev = paths::npm("maildev/bin/maildev");
    if !maildev.exists() {
        bail!("the mailbox is missing ({}): run `make deps`", maildev.display());
    }
    let mut program = Program::new(node, dir.join("logs/mailbox.log"))
        .arguments([maildev])
        .arguments(["--ip", "127.0.0.1", "--web-ip", "127.0.0.1"])
        .arguments(["--smtp", &smtp_port.to_string(), "--web", &web_port.to_string()])
        .arguments(["--mail-directory"])
        .arguments([dir.join("mail")]);
    program.stop_timeout = Duration::from_secs(5);
    Ok(program)
}
