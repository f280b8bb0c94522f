//! The commands that every service that owns data has.

use clap::Subcommand;
use diesel_migrations::EmbeddedMigrations;
use mesh::BoxError;

use crate::{config::Settings, consumer, database};

/// What a program does instead of serving. A service flattens these into its own commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Migrate the database schema, then exit.
    Migrate,
    /// Publish the dead letters of a topic to it again, then exit.
    ReplayDeadLetters {
        /// A topic that the service publishes.
        topic: String,
    },
}

/// Runs a command of a service that publishes `topics`. Only their publisher may publish to them.
///
/// # Errors
/// A topic that the service does not publish, a failed migration, or an unavailable database or
/// broker.
pub async fn run(
    command: &Command,
    settings: &Settings,
    migrations: EmbeddedMigrations,
    topics: impl Iterator<Item = &str>,
) -> Result<(), BoxError> {
    match command {
        Command::Migrate => database::migrate(&settings.database, migrations).await,
        Command::ReplayDeadLetters { topic } => {
            let topics = Vec::from_iter(topics);
            if !topics.contains(&topic.as_str()) {
                let topics = topics.join(", ");
                return Err(format!("{topic:?} is not published here; topics: {topics}").into());
            }
            let count = consumer::replay_dead_letters(&settings.kafka, topic).await?;
            println!("{count} dead letters published to {topic} again");
            Ok(())
        }
    }
}
