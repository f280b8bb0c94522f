//! What the program does instead of serving, and what it prints.

use mesh::{BoxError, validate::Violations};
use mesh_data::database::Database;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    MIGRATIONS,
    api_client::{self, NewApiClient},
    config::{Command, Config},
    password,
    user::{
        self, Email, NewAccount, Role,
        create_admin::{self, AdminResult},
    },
};

/// Runs a command.
///
/// # Errors
/// An invalid argument, or an unavailable database.
pub async fn run(command: &Command, config: &Config) -> Result<(), BoxError> {
    match command {
        Command::Shared(command) => {
            let topics = proto::topics::of_package("shopmesh.user.v1");
            mesh_data::commands::run(command, &config.settings, MIGRATIONS, topics).await
        }
        Command::CreateAdmin { email, display_name, admin_password } => {
            create_admin(config, email, display_name, admin_password.as_ref()).await
        }
        Command::CreateClient { name, role } => create_client(config, name, *role).await,
    }
}

async fn create_admin(
    config: &Config,
    email: &str,
    display_name: &str,
    password: Option<&SecretString>,
) -> Result<(), BoxError> {
    let mut violations = Violations::new();
    let email = Email::checked(&mut violations, "--email", email);
    let display_name = user::display_name(&mut violations, "--display-name", display_name);
    violations.finish(())?;

    let database = Database::open(&config.settings.database, &MIGRATIONS)?;
    let result = match create_admin::promote_to_admin(&database, &email).await? {
        Some(result) => result,
        None => {
            let mut violations = Violations::new();
            let password = password.map(|password| password.expose_secret().to_owned());
            let password = password.unwrap_or_default();
            let password = password::new_password(&mut violations, "ADMIN_PASSWORD", password);
            violations.finish(())?;
            let account = NewAccount { email, password, display_name };
            create_admin::create_admin(&database, account).await?
        }
    };
    println!(
        "{}",
        match result {
            AdminResult::Created => "the account was created",
            AdminResult::Promoted => "the account existed and is now an admin",
            AdminResult::Unchanged => "the account existed and is an admin",
        }
    );
    Ok(())
}

async fn create_client(config: &Config, name: &str, role: Role) -> Result<(), BoxError> {
    let mut violations = Violations::new();
    let name = user::name(&mut violations, "NAME", name);
    violations.finish(())?;
    let database = Database::open(&config.settings.database, &MIGRATIONS)?;
    let new = NewApiClient { name, role, actor: None, request_id: None };
    let (client, secret) = api_client::admin::create_client(&database, new).await?;
    println!("client_id={}\nclient_secret={}", client.id, secret.expose());
    Ok(())
}
