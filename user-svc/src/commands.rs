//! What the program does instead of serving, and what it prints.

use mesh::{BoxError, validate::Violations};
use mesh_data::database::Database;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    MIGRATIONS,
    accounts::{self, AdminMade},
    api_clients,
    config::{Command, Config},
    password::Passwords,
    user::{self, Email, NewAccount, Role},
};

/// Runs a command.
///
/// # Errors
/// A bad argument, or a database that is not there.
pub async fn run(config: &Config, command: Command) -> Result<(), BoxError> {
    match command {
        Command::Migrate => mesh_data::database::migrate(&config.database, MIGRATIONS).await,
        Command::CreateAdmin { email, display_name, admin_password } => {
            create_admin(config, &email, &display_name, admin_password.unwrap_or_default()).await
        }
        Command::CreateClient { name, role } => create_client(config, &name, role).await,
    }
}

async fn create_admin(
    config: &Config,
    email: &str,
    display_name: &str,
    password: SecretString,
) -> Result<(), BoxError> {
    let mut violations = Violations::new();
    let email = Email::checked(&mut violations, "--email", email);
    let display_name = user::name(&mut violations, "--display-name", display_name);
    violations.finish(())?;

    let database = Database::open(&config.database, &MIGRATIONS)?;
    let made = match accounts::promote_to_admin(&database, &email).await? {
        Some(made) => made,
        None => {
            let mut violations = Violations::new();
            let password = password.expose_secret().to_owned();
            let password = user::new_password(&mut violations, "ADMIN_PASSWORD", password);
            violations.finish(())?;
            let account = NewAccount { email, password, display_name };
            accounts::create_admin(&database, &Passwords::new()?, account).await?
        }
    };
    println!("{}", told(made));
    Ok(())
}

fn told(made: AdminMade) -> &'static str {
    match made {
        AdminMade::Created => "the account was created",
        AdminMade::Promoted => "the account was there and is an admin now",
        AdminMade::Unchanged => "the account was there and is an admin",
    }
}

async fn create_client(config: &Config, name: &str, role: Role) -> Result<(), BoxError> {
    let mut violations = Violations::new();
    let name = user::name(&mut violations, "NAME", name);
    violations.finish(())?;
    let database = Database::open(&config.database, &MIGRATIONS)?;
    let (client, secret) = api_clients::create_client(&database, None, name, role).await?;
    println!("client_id={}\nclient_secret={}", client.id, secret.expose());
    Ok(())
}
