//! What the program does instead of serving.

use mesh::BoxError;
use mesh_data::{commands, config::Settings};

use crate::{MIGRATIONS, config::Command, consumer::TOPICS};

/// Runs a command.
///
/// # Errors
/// Those of the command.
pub async fn run(command: &Command, settings: &Settings) -> Result<(), BoxError> {
    match command {
        Command::Shared(command) => commands::run(command, settings, MIGRATIONS, &TOPICS).await,
    }
}
