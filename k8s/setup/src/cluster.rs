//! The Secrets of a store in a cluster. `k8s/overlays/dev` shows which pods wait for which.

use anyhow::Result;
use serde_json::json;
use setup::{
    ADMIN_EMAIL,
    certificates::{Authority, KAFKA, holders},
    keys::{new_key, new_password, new_signing_key, page_token_key_name},
};
use topology::Service;

use crate::kubernetes::Secrets;

const AUTHORITY: &str = "mesh-ca";
const OPAQUE: &str = "Opaque";
const BASIC_AUTH: &str = "kubernetes.io/basic-auth";
const TLS: &str = "kubernetes.io/tls";

/// Creates the Secrets that the pod's own namespace lacks, and changes no existing one. Each
/// certificate has the keys that cert-manager uses.
pub(crate) async fn create_secrets() -> Result<()> {
    let secrets = Secrets::of_pod()?;
    let authority = create_authority(&secrets).await?;
    for name in holders() {
        let issued = authority.issue(name)?;
        let mut data = json!({
            "tls.crt": issued.certificate,
            "tls.key": issued.key,
            "ca.crt": authority.certificate,
        });
        if name == KAFKA {
            data["keystore.pem"] = issued.keystore().into();
        }
        secrets.create(&format!("{name}-tls"), TLS, data).await?;
    }
    for service in Service::with_database() {
        let (name, role) = (service.name(), service.database().unwrap_or_default());
        for (secret, user) in
            [(format!("{name}-database"), role.to_owned()), owner_of_database(name, role)]
        {
            let password = new_password();
            let url = format!("postgres://{user}:{password}@postgres:5432/{role}?sslmode=disable");
            let data = json!({ "username": user, "password": password, "url": url });
            secrets.create(&secret, BASIC_AUTH, data).await?;
        }
        let data = json!({ "key": new_key() });
        secrets.create(&page_token_key_name(name), OPAQUE, data).await?;
    }
    let signing_key = json!({ "cluster-1.pem": new_signing_key()? });
    secrets.create("user-svc-signing-keys", OPAQUE, signing_key).await?;
    secrets.create("postgres", OPAQUE, json!({ "password": new_password() })).await?;
    let admin = json!({ "email": ADMIN_EMAIL, "password": new_password() });
    secrets.create("admin", OPAQUE, admin).await
}

/// Creates the authority of the namespace, or reads it, so that a deleted certificate can be issued
/// again without the others.
async fn create_authority(secrets: &Secrets) -> Result<Authority> {
    let new = Authority::new()?;
    let data = json!({ "tls.crt": new.certificate, "tls.key": new.key() });
    secrets.create(AUTHORITY, TLS, data).await?;
    let [certificate, key] = secrets.get(AUTHORITY, ["tls.crt", "tls.key"]).await?;
    Authority::from_pem(certificate, &key)
}

/// Returns the Secret and the name of the role that migrates a service's database.
fn owner_of_database(service: &str, database: &str) -> (String, String) {
    (format!("{service}-database-owner"), format!("{database}_owner"))
}
