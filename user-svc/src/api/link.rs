//! Methods of mailed links.

use mesh::client;
use proto::user::v1::{
    IssueLinkRequest, IssueLinkResponse, RequestEmailVerificationRequest,
    RequestEmailVerificationResponse, RequestPasswordResetRequest, RequestPasswordResetResponse,
    ResetPasswordRequest, ResetPasswordResponse, VerifyEmailRequest, VerifyEmailResponse,
    link_service_server::LinkService,
};
use tonic::{Request, Response};

use super::{Api, Reply};
use crate::{
    convert::link as convert,
    link::{Purpose, issue, redeem, request::request_link},
};

#[tonic::async_trait]
impl LinkService for Api {
    async fn issue_link(&self, request: Request<IssueLinkRequest>) -> Reply<IssueLinkResponse> {
        let id = convert::link_id(&request.get_ref().link_id)?;
        let issued = issue::issue_link(&self.app, id).await?;
        Ok(Response::new(convert::issued_link(issued)))
    }
}

pub(super) async fn request_password_reset(
    api: &Api,
    request: Request<RequestPasswordResetRequest>,
) -> Reply<RequestPasswordResetResponse> {
    let network = client::network(&request)?;
    let email = convert::request_link(&request.get_ref().email)?;
    request_link(&api.app, Purpose::ResetPassword, &email, network).await?;
    Ok(Response::new(RequestPasswordResetResponse {}))
}

pub(super) async fn reset_password(
    api: &Api,
    request: Request<ResetPasswordRequest>,
) -> Reply<ResetPasswordResponse> {
    let network = client::network(&request)?;
    let (token, new_password) = convert::reset_password(request.into_inner())?;
    redeem::reset_password(&api.app, &token, new_password, network).await?;
    Ok(Response::new(ResetPasswordResponse {}))
}

pub(super) async fn request_email_verification(
    api: &Api,
    request: Request<RequestEmailVerificationRequest>,
) -> Reply<RequestEmailVerificationResponse> {
    let network = client::network(&request)?;
    let email = convert::request_link(&request.get_ref().email)?;
    request_link(&api.app, Purpose::VerifyEmail, &email, network).await?;
    Ok(Response::new(RequestEmailVerificationResponse {}))
}

pub(super) async fn verify_email(
    api: &Api,
    request: Request<VerifyEmailRequest>,
) -> Reply<VerifyEmailResponse> {
    let token = convert::verify_email(request.into_inner())?;
    redeem::verify_email(&api.app, &token).await?;
    Ok(Response::new(VerifyEmailResponse {}))
}
